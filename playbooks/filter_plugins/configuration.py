# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Tell what is wrong with the variables as they are written, before a task uses them.

Ansible ignores a variable that nobody reads: a typo in group_vars silently leaves the default in force.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible import context
from ansible.parsing.dataloader import DataLoader
from ansible.utils.vars import load_extra_vars

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# MySQL: https://dev.mysql.com/doc/refman/8.4/en/user-names.html
USER_NAME, DATABASE_NAME = re.compile(r"[A-Za-z0-9_]{1,32}"), re.compile(r"[A-Za-z0-9_]{1,64}")
RESERVED = ("root", "mysql", "mysql_sys", "mysql_session", "mysql_infoschema", "debian_sys_maint", "rdsadmin")
PASSWORD_LENGTHS = range(12, 129)


def configuration_problems(repository: str) -> list[str]:
    """Return one sentence for each mistake: the value, why it cannot work, where to change it."""
    root = Path(repository)
    written = {path: read(path) for path in sorted(root.glob("group_vars/**/*.yml")) if path.name != "vault.yml"}
    extra = load_extra_vars(DataLoader()) if context.CLIARGS else {}
    given = {name: ("the command line (-e)", value) for name, value in extra.items()}
    values = {name: (str(p.relative_to(root)), v) for p, names in written.items() for name, v in names.items()}
    return [*unknown_names(root, written, given), *database_problems(values | given)]


def read(path: Path) -> dict[str, Any]:
    """Read a file of variables; one that is no mapping is Ansible's to complain about."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def unknown_names(root: Path, written: dict[Path, dict[str, Any]], given: dict[str, tuple[str, Any]]) -> Iterator[str]:
    """Name variables that no role declares and that nothing else in group_vars, playbooks or inventory mentions."""
    declared = {
        name
        for path in root.glob("roles/*/meta/argument_specs.yml")
        for entry in read(path)["argument_specs"].values()
        for name in entry.get("options", {})
    }
    mentions = {
        word for path in root.glob("playbooks/*.yml") for word in WORD.findall(path.read_text(encoding="utf-8"))
    }
    mentions |= {
        word for path in root.glob("inventory/*.yml") for word in WORD.findall(path.read_text(encoding="utf-8"))
    }
    mentions |= {word for names in written.values() for value in names.values() for word in WORD.findall(str(value))}
    known = declared | mentions
    for path, names in written.items():
        for name in names:
            if name not in known and not name.startswith("ansible_"):
                near = difflib.get_close_matches(
                    name, declared | {n for ns in written.values() for n in ns} - {name}, 1
                )
                hint = f" Did you mean {near[0]}?" if near else ""
                yield (
                    f"{path.relative_to(root)} sets {name}, which nothing reads, so it would change nothing.{hint} "
                    "Correct the name there, or take it out."
                )
    settable = declared | {name for names in written.values() for name in names}
    for name in given:
        # Others may be meant for Ansible itself, or for a playbook of your own.
        if name not in known and (near := difflib.get_close_matches(name, settable, 1, cutoff=0.8)):
            yield (
                f"-e sets {name}, which nothing reads, so it would change nothing. "
                f"Did you mean {near[0]}? Correct the name on the command line."
            )


def database_problems(values: dict[str, tuple[str, Any]]) -> Iterator[str]:
    """Say which names and passwords MySQL would refuse. A template is judged where it is used."""
    for variable, pattern, longest in (
        ("app_database_user", USER_NAME, 32),
        ("app_database_name", DATABASE_NAME, 64),
    ):
        place, value = values.get(variable, ("", "app"))
        if "{{" in str(value):
            continue
        if not pattern.fullmatch(str(value)):
            yield (
                f"{variable} is {value!r}, and MySQL takes 1 to {longest} characters here; we keep to letters, digits "
                f"and underscores, which need no quoting anywhere. Change it in {place}."
            )
        elif str(value).lower() in RESERVED:
            yield f"{variable} is {value!r}, which MySQL keeps for itself. Choose another name in {place}."
    place, value = values.get("app_database_password", ("", "{{ }}"))
    if "{{" not in str(value) and len(str(value)) not in PASSWORD_LENGTHS:
        yield (
            f"app_database_password has {len(str(value))} characters, and the database takes {PASSWORD_LENGTHS.start} "
            f"to {PASSWORD_LENGTHS.stop - 1}. Give a longer one in {place}, or leave it to the parameter store."
        )


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"configuration_problems": configuration_problems}
