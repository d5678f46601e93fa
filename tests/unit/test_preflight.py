"""What is refused before EC2 is asked: each mistake is one sentence, and all are told at once."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_environment.access import explain, wrong_account
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

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
        ({"vpc": "10.1.0.0"}, "no prefix"),
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


MACHINES = {
    "image_refused": "",
    "architecture": "x86_64",
    "types": ["t3.micro", "t3.micro"],
    "spot": [],
    "protected": True,
    "replaced": ["public"],
}


def machine_problems(**changes: Any) -> list[str]:
    plan = load("roles/aws_instances/filter_plugins/machine_plan.py")
    return list(plan.machine_plan_problems(MACHINES | changes))


def test_good_machines_have_no_problems() -> None:
    assert machine_problems() == []
    assert machine_problems(architecture="arm64", types=["t4g.micro", "c7gn.large"], replaced=[]) == []
    assert machine_problems(spot=["public"], protected=False) == []


@pytest.mark.parametrize(
    ("changes", "value", "reason"),
    [
        ({"image_refused": "image is x. Change it in group_vars/all/instances.yml."}, "image is x", "Change"),
        ({"types": ["t4g.micro"]}, "t4g.micro", "is a machine for arm64"),
        ({"architecture": "arm64"}, "t3.micro", "is a machine for x86_64"),
        ({"types": ["micro"]}, "'micro'", "none that EC2 could know"),
        ({"spot": ["private"]}, "spot is private", "take such a machine back"),
        ({"replaced": ["private"]}, "replace is private", "all databases on it"),
        ({"replaced": ["both"]}, "replace is both", "It takes public"),
    ],
    ids=str,
)
def test_machines_that_cannot_be_are_told(changes: dict[str, Any], value: str, reason: str) -> None:
    (told,) = machine_problems(**changes)
    assert value in told
    assert reason in told
    assert "group_vars" in told or "Nothing was changed" in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"machines": {"public": "10.1.1.3"}}, "one of the five"),
        ({"machines": {"private": "10.1.2.255"}}, "one of the five"),
        ({"machines": {"private": "10.1.1.10"}}, "lies outside its subnet"),
        ({"machines": {"private": "ten"}}, "which is none"),
        ({"region": "seoul", "zones": []}, "no region of AWS has such a name"),
        ({"region": "ap-northeast-2", "zones": ["us-east-1a", ""]}, "is none of the region"),
        ({"region": "ap-northeast-2", "zones": ["ap-northeast-2a"] * 2}, "the first zone again"),
    ],
    ids=str,
)
def test_addresses_and_zones_that_cannot_be_are_told(changes: dict[str, Any], words: str) -> None:
    (told,) = problems(**changes)
    assert words in told
    assert "group_vars" in told


def config_problems(folder: Path, **files: str) -> list[str]:
    """What is told of a repository with one role, one playbook and these group_vars."""
    for name, text in {
        "roles/web/meta/argument_specs.yml": "argument_specs: {main: {options: {web_port: {type: int}}}}",
        "playbooks/site.yml": "- {hosts: all, vars: {x: '{{ admin_cidrs }}'}}",
        **{f"group_vars/all/{name}.yml": text for name, text in files.items()},
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return list(load("playbooks/filter_plugins/configuration.py").configuration_problems(str(folder)))


def test_the_variables_of_this_repository_are_known() -> None:
    assert load("playbooks/filter_plugins/configuration.py").configuration_problems(str(REPO)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "{admin_cidrs: [], admin_cidr: []}",
            "sets admin_cidr, which nothing reads",
        ),
        ("{web_prot: 80}", "Did you mean web_port?"),
        ("{app_database_user: root}", "'root', which MySQL keeps for itself"),
        ("{app_database_user: a-b}", "1 to 32 characters"),
        (f"{{app_database_user: {'u' * 33}}}", "1 to 32 characters"),
        (f"{{app_database_name: {'n' * 65}}}", "1 to 64 characters"),
        ("{app_database_password: short}", "has 5 characters"),
    ],
)
def test_a_variable_that_cannot_work_is_told(tmp_path: Path, text: str, words: str) -> None:
    told = [line for line in config_problems(tmp_path, mine=text) if words in line]
    assert len(told) == 1, config_problems(tmp_path, mine=text)
    assert "group_vars/all/mine.yml" in told[0] or "Correct the name" in told[0]


PLAIN = {
    "nat": "instance",
    "architecture": "amd64",
    "database": "mysql",
    "s3_endpoint": True,
    "isolated_subnet": "false",
    "spot": [],
    "monthly_budget_usd": 0,
    "aws_instances_public_disk_gb": 8,
    "aws_instances_private_disk_gb": "20",
    "service_name": "sidedish",
    "expected_account_id": "",
}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nat", "gatway", "none of instance, gateway"),
        ("architecture", "x86_64", "none of amd64, arm64"),
        ("database", "MySQL", "none of mysql, rds"),
        ("s3_endpoint", "off course", "neither true nor false"),
        ("spot", ["publc"], "spot has publc"),
        ("spot", "public,privat", "spot has privat"),
        ("monthly_budget_usd", "30 USD", "no sum of US dollars"),
        ("aws_instances_public_disk_gb", 4, "from 8 to 16384 GiB"),
        ("service_name", "Side_Dish", "lower-case letters"),
        ("expected_account_id", 1402, "12 digits"),
    ],
)
def test_a_value_that_nobody_could_mean_is_told(name: str, value: object, words: str) -> None:
    judge = load("playbooks/filter_plugins/plain_values.py").value_problems
    assert judge(PLAIN) == []
    (told,) = judge(PLAIN | {name: value})
    assert words in told
    assert "group_vars/all/" in told


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeVpcs")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoCredentialsError(), ("No AWS credentials were found", "AWS_PROFILE")),
        (client_error("ExpiredToken"), ("have expired", "Sign in again")),
        (client_error("RequestExpired"), ("have expired", "Sign in again")),
        (client_error("AuthFailure"), ("does not know these credentials in the region x", "AWS_ACCESS_KEY_ID")),
        (client_error("UnauthorizedOperation"), ("may not do", "docs/iam-policy.json")),
        (client_error("AccessDeniedException"), ("may not do", "docs/iam-policy.json")),
        (EndpointConnectionError(endpoint_url="http://x"), ("region x does not answer", "aws_region in group_vars")),
        (client_error("Strange"), ("Could not look", "Strange")),
    ],
)
def test_what_is_wrong_with_the_access_is_told(error: Exception, words: tuple[str, str]) -> None:
    told = explain(error, "x")
    assert all(word in told for word in words), told


def test_another_account_is_told_with_both_numbers() -> None:
    told = wrong_account("111111111111", "222222222222")
    assert "111111111111" in told
    assert "222222222222" in told
    assert "expected_account_id in group_vars" in told


def test_a_run_tells_all_mistakes_at_once_and_makes_no_call(tmp_path: Path) -> None:
    """Nobody listens where the API would be, so a call would end with another message."""
    argv = ["ansible-playbook", "-i", "inventory/environments.yml", "playbooks/create_network.yml"]
    argv += ["--limit", "playground"]
    for variable in (
        f"operator_ssh_key={tmp_path}/none",
        "image=debian-14",
        "aws_instances_public_type=t4g.micro",
        "replace=private",
        "nat=gateway",
        "monthly_budget_usd=30",
        "aws_network_vpc_cidr=8.8.0.0/16",
        "availability_zone=us-east-1a",
        "admin_cidr=203.0.113.7/32",
        "app_database_user=root",
        "spot=publc",
    ):
        argv += ["--extra-vars", variable]
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "onebox-dummy-access-key"}
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    done = subprocess.run(argv, cwd=REPO, env=keep | nowhere, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    last = " ".join(done.stdout.rpartition("TASK [Refuse what cannot work]")[2].split())
    for words in (
        "There is no private key",
        "none of debian-13, ubuntu-24.04",
        "is a machine for arm64",
        "all databases on it",
        "What exceeds it is the",
        "RFC 1918",
        "us-east-1a is none of the region",
        "Did you mean admin_cidrs?",
        "MySQL keeps for itself",
        "spot has publc",
    ):
        assert words in last
