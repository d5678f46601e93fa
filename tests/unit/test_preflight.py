"""What is refused before EC2 is asked: each mistake is one sentence, and all are told at once."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
GOOD = {
    "vpc": "10.1.0.0/16",
    "public": "10.1.1.0/24",
    "private": "10.1.2.0/24",
    "others": ["10.2.0.0/16"],
    "admins": ["0.0.0.0/0"],
    "anywhere_allowed": True,
}


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, REPO / path)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def problems(**changes: Any) -> list[str]:
    plan = load("roles/aws_network/filter_plugins/address_plan.py")
    return list(plan.address_plan_problems(GOOD | changes))


def key_problems(path: Path) -> list[str]:
    return list(load("roles/aws_instances/filter_plugins/operator_key.py").operator_key_problems(str(path)))


def test_a_good_plan_has_no_problems() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vpc": "8.8.0.0/16"}, "RFC 1918"),
        ({"vpc": "172.32.0.0/16"}, "RFC 1918"),
        ({"vpc": "10.0.0.0/8"}, "/16 to /28"),
        ({"vpc": "10.1.1.0/29"}, "/16 to /28"),
        ({"vpc": "10.1.0.1/16"}, "has host bits set"),
        ({"vpc": "nonsense"}, "not an IPv4 range"),
        ({"vpc": "10.2.0.0/16"}, "that of another environment"),
        ({"vpc": "10.2.0.0/20"}, "overlaps 10.2.0.0/16"),
        ({"public": "10.9.1.0/24"}, "outside the VPC"),
        ({"private": "10.1.0.0/22"}, "overlap"),
        ({"private": "10.1.2.0/30"}, "/16 to /28"),
        ({"public": False}, "no room"),
        ({"isolated": "10.1.2.128/25"}, "overlap"),
        ({"second_private": "10.9.12.0/24"}, "outside the VPC"),
        ({"second_isolated": False}, "no room"),
        ({"admins": ["203.0.113.7/24"]}, "has host bits set"),
        ({"admins": ["::/0"]}, "not an IPv4 range"),
        ({"admins": []}, "nobody"),
        ({"anywhere_allowed": False}, "does not let the whole world"),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_the_place_to_change_it(changes: dict[str, Any], words: str) -> None:
    told = " ".join(problems(**changes))
    assert words in told
    assert "group_vars" in told


def test_all_mistakes_are_told_at_once() -> None:
    assert len(problems(vpc="8.8.0.0/16", public="1.2.3.4", admins=["x", "y"])) >= 4


def test_the_optional_subnets_may_be_left_out() -> None:
    assert problems(isolated="", second_private="", second_isolated="") == []
    assert problems(isolated="10.1.3.0/24", second_private="10.1.12.0/24", second_isolated="10.1.13.0/24") == []


def test_what_derives_from_a_bad_range_is_not_told_again() -> None:
    assert len(problems(vpc="10.1.0.0/99", public="", private="")) == 1


def pair(folder: Path, *, public: str = "ssh-ed25519 AAAA me", mode: int = 0o600) -> Path:
    key = folder / "id"
    key.write_text("secret")
    key.chmod(mode)
    (folder / "id.pub").write_text(public)
    return key


def test_a_good_key_pair_has_no_problems(tmp_path: Path) -> None:
    assert key_problems(pair(tmp_path)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": 0o644}, "chmod 600"),
        ({"public": "ecdsa-sha2-nistp256 AAAA me"}, "ssh-ed25519 and ssh-rsa"),
        ({"public": ""}, "holds nothing"),
    ],
    ids=str,
)
def test_a_bad_key_pair_is_told(tmp_path: Path, arguments: dict[str, Any], words: str) -> None:
    (told,) = key_problems(pair(tmp_path, **arguments))
    assert words in told


def test_a_missing_key_is_told_with_the_command_that_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    private, public = key_problems(tmp_path / "id")
    assert "ssh-keygen -t ed25519" in private
    assert "ssh-keygen -y" in public


def test_a_key_in_the_agent_needs_no_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    key = pair(tmp_path)
    key.unlink()
    assert key_problems(key) == []


def test_the_public_half_is_not_taken_for_the_private_one(tmp_path: Path) -> None:
    assert "Leave out the .pub" in key_problems(pair(tmp_path).with_name("id.pub"))[0]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (["architecture=arm64"], "have MySQL packages for that"),
        (["image=debian-14"], "none of debian-13, ubuntu-24.04"),
        (["aws_instances_public_type=t4g.micro"], "is a machine for arm64"),
        (["replace=private"], "all databases on it"),
        (["nat=gateway", "monthly_budget_usd=30"], "What exceeds it is the NAT gateway"),
    ],
    ids=str,
)
def test_a_run_stops_before_its_first_call(tmp_path: Path, variables: list[str], words: str) -> None:
    """Nobody listens where the API would be, so a call would end with another message."""
    argv = ["ansible-playbook", "-i", "inventory/environments.yml", "playbooks/create_network.yml"]
    argv += ["--limit", "playground"]
    for variable in (f"operator_ssh_key={pair(tmp_path)}", *variables):
        argv += ["--extra-vars", variable]
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "onebox-dummy-access-key"}
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    done = subprocess.run(argv, cwd=REPO, env=keep | nowhere, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert words in " ".join(done.stdout.split())
