"""What a role promises in its files: inputs with a contract, wiring in sight, nothing swallowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

REPO = Path(__file__).resolve().parents[1]
ROLES = sorted(path for path in REPO.glob("roles/*") if path.is_dir())
PLAYBOOKS = sorted(REPO.glob("playbooks/*.yml"))
PREFIXES = tuple(f"{role.name}_" for role in ROLES)

pytestmark = pytest.mark.skipif(not ROLES, reason="there is no role yet")
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) or {} if path.exists() else {}


def options(role: Path) -> dict[str, Any]:
    """Every input of every entry point."""
    entries = load(role / "meta/argument_specs.yml").get("argument_specs", {}).values()
    return {name: spec for entry in entries for name, spec in entry.get("options", {}).items()}


def task_files(role: Path) -> list[Path]:
    return sorted([*role.glob("tasks/**/*.yml"), *role.glob("handlers/**/*.yml")])


def flatten(tasks: Any) -> Iterator[dict[str, Any]]:
    """Every task of a file, those in blocks included."""
    for task in tasks or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from flatten(task.get(part))


EXPRESSIONS = {"when", "that", "until", "changed_when", "failed_when"}  # Jinja without braces


def expressions(value: Any, *, bare: bool = False) -> Iterator[str]:
    """What Ansible evaluates; a message may name a variable that people should change."""
    if isinstance(value, str):
        yield from [value] if bare else re.findall(r"\{\{.*?\}\}|\{%.*?%\}", value, re.DOTALL)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from expressions(item, bare=key in EXPRESSIONS)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item, bare=bare)


@each_role
@pytest.mark.parametrize("name", ["README.md", "defaults/main.yml", "meta/argument_specs.yml", "tasks/main.yml"])
def test_a_role_has_its_files(role: Path, name: str) -> None:
    assert (role / name).is_file()


@each_role
def test_defaults_agree_with_the_spec(role: Path) -> None:
    declared = {name: spec["default"] for name, spec in options(role).items() if "default" in spec}
    assert load(role / "defaults/main.yml") == declared


@each_role
def test_every_input_says_type_and_description_and_its_role(role: Path) -> None:
    for name, spec in options(role).items():
        assert name.startswith(f"{role.name}_"), name
        assert spec.get("type"), name
        assert spec.get("description"), name
        assert not (spec.get("required") and "default" in spec), name


@each_role
def test_an_input_without_default_stands_commented_in_the_defaults(role: Path) -> None:
    text = (role / "defaults/main.yml").read_text()
    without = [name for name, spec in options(role).items() if "default" not in spec]
    missing = [name for name in without if not re.search(rf"^# ?{name}:", text, re.MULTILINE)]
    assert not missing, f"readers of defaults/main.yml do not learn of {missing}"


@each_role
def test_a_role_stays_small(role: Path) -> None:
    assert len(options(role)) <= 30
    for path in task_files(role):
        assert len(path.read_text().splitlines()) <= 100, path
    for path in role.glob("templates/**/*"):
        assert not path.is_file() or len(path.read_text().splitlines()) <= 120, path


@each_role
def test_a_role_swallows_no_error(role: Path) -> None:
    for path in task_files(role):
        tasks = list(flatten(load(path)))
        assert not [task["name"] for task in tasks if "ignore_errors" in task], path
        assert not [task["name"] for task in tasks if task.get("failed_when") is False], path


@each_role
def test_what_a_task_registers_or_sets_is_internal(role: Path) -> None:
    for path in task_files(role):
        for task in flatten(load(path)):
            names = [task["register"]] if "register" in task else []
            names += [name for name in task.get("ansible.builtin.set_fact", {}) if name != "cacheable"]
            foreign = [name for name in names if not name.startswith(f"__{role.name}_")]
            assert not foreign, f"{path}: {foreign}"


@each_role
def test_a_role_reads_no_group_no_other_host_and_no_other_role(role: Path) -> None:
    """Wiring stands in group_vars, where both ends are in sight."""
    foreign = tuple(prefix for prefix in PREFIXES if prefix != f"{role.name}_")
    known = {name for other in ROLES if other != role for name in options(other)}
    texts = {path: "\n".join(expressions(load(path))) for path in task_files(role)}
    templates = (path for path in role.glob("templates/**/*") if path.is_file())
    texts |= {path: "\n".join(expressions(path.read_text())) for path in templates}
    for path, text in texts.items():
        assert not re.search(r"\b(hostvars|group_names|groups\[|groups\.)", text), path
        used = {word for word in re.findall(r"\b\w+", text) if word.startswith(foreign)} & known
        assert not used, f"{path} reads {sorted(used)}"


@each_role
def test_a_template_says_who_wrote_it(role: Path) -> None:
    for path in role.glob("templates/**/*.j2"):
        head = "\n".join(path.read_text().splitlines()[:5])
        assert "ansible_managed" in head, path
        assert role.name in head, f"{path} does not name its role"


def test_group_vars_set_only_declared_variables() -> None:
    known = {name for role in ROLES for name in options(role)}
    paths = [path for path in REPO.glob("group_vars/**/*.yml") if path.name != "vault.yml"]
    used = {name for path in paths for name in load(path)}
    unknown = {name for name in used if name.startswith(PREFIXES)} - known
    assert not unknown, f"group_vars set variables that no role declares (a typo?): {sorted(unknown)}"


def test_group_vars_read_no_default_of_a_role() -> None:
    """A role that is included, or that --tags leaves out, lends its defaults to nobody."""
    paths = [path for path in REPO.glob("group_vars/**/*.yml") if path.name != "vault.yml"]
    said = {name for path in paths for name in load(path)}
    inputs = {name for role in ROLES for name in options(role)}
    read = {
        (word, path.name)
        for path in paths
        for value in load(path).values()
        for word in re.findall(r"\b[a-z]\w+", str(value))
        if word in inputs - said
    }
    assert not read


def test_every_required_input_is_set_in_group_vars() -> None:
    """Playbooks pass nothing by hand, so that a second playbook never disagrees with the first."""
    paths = [path for path in REPO.glob("group_vars/**/*.yml") if path.name != "vault.yml"]
    used = {name for path in paths for name in load(path)}
    required = {name for role in ROLES for name, spec in options(role).items() if spec.get("required")}
    assert not required - used


def roles_of(playbook: Path) -> list[dict[str, Any]]:
    return [role for play in load(playbook) for role in play.get("roles", [])]


def included_roles_of(playbook: Path) -> list[dict[str, Any]]:
    tasks = [task for play in load(playbook) for task in play.get("tasks", [])]
    return [task for task in tasks if "apply" in task.get("ansible.builtin.include_role", {})]


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.name)
def test_a_role_in_a_playbook_carries_its_name_as_tag(playbook: Path) -> None:
    for role in roles_of(playbook):
        assert role.get("tags") == [role["role"]], role
    for task in included_roles_of(playbook):
        included = task["ansible.builtin.include_role"]
        assert task.get("tags") == included["apply"]["tags"] == [included["name"]], task


def tiers_of(play: dict[str, Any], task: dict[str, Any]) -> set[str]:
    """For which machines a play includes a role: those of the play, or the one group that the task asks for."""
    told = task.get("when", [])
    conditions = told if isinstance(told, list) else [told]
    named = {found[1] for one in conditions if (found := re.fullmatch(r"'(\w+)' in group_names", one))}
    return named or set(play["hosts"].split(":"))


def test_hosts_are_configured_alike_together_and_one_by_one() -> None:
    """configure_hosts.yml does what configure_public.yml and configure_private.yml do."""
    one_by_one = {
        (tier, role["role"])
        for tier in ("public", "private")
        for role in roles_of(REPO / f"playbooks/configure_{tier}.yml")
    }
    together = [
        (tier, task["ansible.builtin.include_role"]["name"])
        for play in load(REPO / "playbooks/configure_hosts.yml")
        for task in play.get("tasks", [])
        if "ansible.builtin.include_role" in task
        for tier in tiers_of(play, task)
    ]
    assert set(together) == one_by_one


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from keys(item)


def test_nothing_is_found_out_for_the_first_host_alone() -> None:
    """A limit may name several environments, and run_once would give all of them what is the first one's."""
    paths = [*REPO.glob("playbooks/**/*.yml"), *(path for role in ROLES for path in task_files(role))]
    assert not [path for path in paths if "run_once" in keys(load(path))]


def test_every_role_is_applied_by_a_playbook() -> None:
    applied = {role["role"] for playbook in PLAYBOOKS for role in roles_of(playbook)}
    assert {role.name for role in ROLES} <= applied
