"""What holds the parts together: inventory, group_vars, playbooks, versions."""

from __future__ import annotations

import importlib.metadata
import ipaddress
import json
import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import ansible_collections
import pytest
import yaml

REPO = Path(__file__).resolve().parents[1]
PLAYBOOKS = sorted(path for path in REPO.glob("playbooks/*.yml") if not path.name.startswith("require_"))
ENVIRONMENTS = ["playground", "alpha", "beta", "production"]
FLOW = ["create_network.yml", "launch_instances.yml", "configure_hosts.yml"]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_group_vars_are_found_beside_the_inventory() -> None:
    link = REPO / "inventory/group_vars"
    assert link.is_symlink()
    assert not link.readlink().is_absolute()
    assert link.resolve() == REPO / "group_vars"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_has_its_host_and_its_settings(environment: str) -> None:
    inventory = load(REPO / "inventory/environments.yml")
    host = f"{environment}_vpc"
    assert host in inventory[environment]["hosts"]
    assert host in inventory["vpc"]["hosts"]
    assert inventory["vpc"]["vars"]["ansible_connection"] == "local"
    assert load(REPO / f"group_vars/{environment}.yml")["environment_name"] == environment


def test_environments_do_not_overlap() -> None:
    ranges = {
        name: ipaddress.ip_network(load(REPO / f"group_vars/{name}.yml")["aws_network_vpc_cidr"])
        for name in ENVIRONMENTS
    }
    assert not [pair for pair in combinations(ranges, 2) if ranges[pair[0]].overlaps(ranges[pair[1]])]


def test_region_and_service_are_said_once() -> None:
    """The inventory reads both from group_vars; a second literal would drift."""
    values = {
        "aws_region": load(REPO / "group_vars/all/aws.yml")["aws_region"],
        "service_name": load(REPO / "group_vars/all/service.yml")["service_name"],
    }
    inventory = (REPO / "inventory/aws_ec2.yml").read_text()
    for variable, value in values.items():
        assert variable in inventory
        assert not re.search(rf"\b{re.escape(value)}\b(?!a)", inventory)


def test_groups_come_from_the_tags() -> None:
    inventory = load(REPO / "inventory/aws_ec2.yml")
    keys = {group["key"].rpartition(".")[2] for group in inventory["keyed_groups"]}
    assert keys == {"Environment", "Tier"}
    assert inventory["hostnames"] == ["tag:Name"]
    assert set(inventory["compose"]) >= {"private_ip_address", "public_ip_address", "instance_id"}


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.name)
def test_a_playbook_asks_for_a_limit_first(playbook: Path) -> None:
    first = load(playbook)[0]
    imported = str(first.get("ansible.builtin.import_playbook"))
    assert imported == "require_limit.yml" or load(playbook.parent / imported)[0][
        "ansible.builtin.import_playbook"
    ] == ("require_limit.yml")
    assert first.get("vars", {}).get("playbook", playbook.name) == playbook.name


def test_site_imports_the_steps_in_the_order_of_the_flow() -> None:
    plays = load(REPO / "playbooks/site.yml")
    imported = [play.get("ansible.builtin.import_playbook") for play in plays]
    assert None not in imported, "site.yml only imports"
    assert [name for name in imported if name in FLOW] == FLOW


def test_nothing_steers_by_the_lab() -> None:
    """Lab or AWS is decided by the standard AWS environment variables alone."""
    told = re.compile(r"(?i)\b(lab|moto|nspawn|netns)\b|127\.0\.0\.1:\d|\b198\.1[89]\.|endpoint_url:")
    folders = ("playbooks", "roles", "inventory", "group_vars")
    files = [path for folder in folders for path in (REPO / folder).rglob("*") if path.is_file()]
    files = [path for path in files if path.suffix != ".pyc"]
    assert len(files) > 20
    found = [
        f"{path.relative_to(REPO)}:{number}: {line.strip()}"
        for path in [*files, REPO / "ansible.cfg"]
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if told.search(line) and not line.lstrip().startswith("#")  # a comment may say where a trap was seen
    ]
    assert not found, "\n".join(found)


def test_host_keys_are_checked_everywhere() -> None:
    off = re.compile(r"(?i)StrictHostKeyChecking[ =]\"?(no|off|accept-new)|host_key_checking\s*=\s*(false|no|0)")
    files = list(REPO.glob("*.cfg"))
    for folder in ("playbooks", "roles", "inventory", "group_vars", "molecule", ".config", "script"):
        files += [path for path in (REPO / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert not [path for path in files if off.search(path.read_text(errors="replace"))]


def test_ansible_is_the_locked_one() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    (pinned,) = (d.partition("==")[2] for d in project["dependencies"] if d.startswith("ansible=="))
    packages = tomllib.loads((REPO / "uv.lock").read_text())["package"]
    (locked,) = (package["version"] for package in packages if package["name"] == "ansible")
    assert pinned == locked == importlib.metadata.version("ansible")


def test_requirements_name_the_collections_of_the_lock() -> None:
    """Those who install by Galaxy get the versions that the lock brings."""
    (root,) = map(Path, ansible_collections.__path__)
    for collection in load(REPO / "requirements.yml")["collections"]:
        manifest = root.joinpath(*collection["name"].split("."), "MANIFEST.json")
        assert collection["version"] == json.loads(manifest.read_text())["collection_info"]["version"]


def test_requirements_name_every_collection_that_is_used() -> None:
    named = {collection["name"] for collection in load(REPO / "requirements.yml")["collections"]}
    (root,) = map(Path, ansible_collections.__path__)
    namespaces = {path.name for path in root.iterdir() if path.is_dir()}
    used = set()
    for folder in ("playbooks", "roles", "inventory", "group_vars"):
        for path in (REPO / folder).rglob("*.yml"):
            for first, second in re.findall(r"\b([a-z]\w+)\.([a-z]\w+)\.[a-z]\w+", path.read_text()):
                if first in namespaces and (root / first / second).is_dir():
                    used.add(f"{first}.{second}")
    assert used == named
