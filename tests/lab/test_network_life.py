"""The life of a network: lost answers, a failing API, two operators at once, options that are switched."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from lab.config import REGION
from tests.lab.living import LivingLab, lab, living_lab

REPO = Path(__file__).resolve().parents[2]
NAME, PORT = "life", 4690
SECONDS = 420
CHANGED = re.compile(r"^\w+_vpc\s+:.*changed=(\d+)", re.MULTILINE)
# What create_network makes: one of each, and as many subnets and groups.
PLAIN = Counter(vpcs=1, internet_gateways=1, subnets=2, route_tables=1, security_groups=2)


@dataclass(frozen=True)
class Operator:
    """Somebody who types playbooks."""

    living: LivingLab
    home: Path

    def play(self, name: str, environment: str, *more: str) -> tuple[int, str]:
        """Run a playbook to its end; return its status and what it said."""
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_"))}
        keep |= json.loads(lab("env", "--name", NAME, "--json")) | {"NO_COLOR": "1"}
        argv = ["ansible-playbook", f"playbooks/{name}.yml", "--limit", environment]
        for variable in (f"build_dir={self.home}/build", f"operator_ssh_key={self.home}/id", *more):
            argv += ["--extra-vars", variable]
        done = subprocess.run(
            argv,
            cwd=REPO,
            env=keep,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout

    def parameters(self) -> Any:
        """A client of the parameter store."""
        values = json.loads(lab("env", "--name", NAME, "--json"))
        return boto3.client(
            "ssm",
            endpoint_url=self.living.config.endpoint_url,
            region_name=REGION,
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )

    def made(self, environment: str) -> Counter[str]:
        """Count what carries the environment's tags."""
        ec2, found = self.living.ec2, Counter[str]()
        filters = [{"Name": "tag:Environment", "Values": [environment]}]
        for kind, key in (
            ("vpcs", "Vpcs"),
            ("internet_gateways", "InternetGateways"),
            ("subnets", "Subnets"),
            ("route_tables", "RouteTables"),
            ("security_groups", "SecurityGroups"),
            ("addresses", "Addresses"),
        ):
            answer: dict[str, Any] = getattr(ec2, f"describe_{kind}")(Filters=filters)
            found[kind] = len(answer[key])
        gateways = ec2.describe_nat_gateways(Filter=[*filters, {"Name": "state", "Values": ["pending", "available"]}])
        found["nat_gateways"] = len(gateways["NatGateways"])
        return +found

    def changes_nothing(self, name: str, environment: str, *more: str) -> None:
        status, said = self.play(name, environment, *more)
        assert status == 0, said
        assert set(CHANGED.findall(said)) == {"0"}, said


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    if os.geteuid() != 0:
        pytest.skip("a lab needs root")
    home = tmp_path_factory.mktemp("operator")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "id")], check=True)
    with living_lab(NAME, PORT) as living:
        yield Operator(living, home)


@pytest.fixture(autouse=True)
def _clear(operator: Operator) -> Iterator[None]:
    yield
    lab("fault", "clear", "--name", NAME)


def test_nothing_is_made_twice_when_answers_are_lost(operator: Operator) -> None:
    for action in ("CreateVpc", "CreateInternetGateway", "CreateSubnet", "CreateRouteTable", "CreateSecurityGroup"):
        lab("fault", "add", "lost-reply", "--action", action, "--nth", "1", "--name", NAME)
    status, said = operator.play("create_network", "alpha")
    assert status == 0, said
    assert operator.made("alpha") == PLAIN  # and the next test but one changes nothing in it


def test_a_failing_api_is_outlasted_or_left_cleanly(operator: Operator) -> None:
    """Two environments at once, as each run takes its time."""
    admins, both = '{"admin_cidrs": ["203.0.113.7/32"]}', "beta:production"
    for kind, chance in (("throttle", "0.3"), ("internal-error", "0.1")):
        lab("fault", "add", kind, "--chance", chance, "--seed", "4", "--name", NAME)
    status, said = operator.play("create_network", both, admins)
    lab("fault", "clear", "--name", NAME)
    if status != 0:
        status, said = operator.play("create_network", both, admins)
    assert status == 0, said
    assert [operator.made(one) for one in both.split(":")] == [PLAIN, PLAIN]
    operator.changes_nothing("create_network", both, admins)


def test_a_second_operator_is_told_who_is_at_work(operator: Operator) -> None:
    ssm, path = operator.parameters(), "/onebox/sidedish/alpha/lock"
    lock = {"who": "ann@office", "pid": 7, "started": "1", "boot": "", "space": ""}
    times = {"since": "2026-11-24T07:00:00+00:00", "until": "2999-01-01T00:00:00+00:00"}
    ssm.put_parameter(Name=path, Value=json.dumps(lock | times), Type="String")
    status, said = operator.play("create_network", "alpha")
    assert status != 0
    words = " ".join(said.split())
    assert "ann@office (process 7) is at work on sidedish-alpha since 2026-11-24T07:00:00" in words
    assert ssm.get_parameter(Name=path)["Parameter"]["Value"] == json.dumps(lock | times)
    ssm.delete_parameter(Name=path)
    operator.changes_nothing("create_network", "alpha")
    assert not ssm.get_parameters_by_path(Path="/onebox", Recursive=True)["Parameters"]


def test_the_options_of_a_living_network_come_and_go(operator: Operator) -> None:
    options = ("nat=gateway", "isolated_subnet=true", "second_zone=ap-northeast-2c")
    status, said = operator.play("create_network", "alpha", *options)
    assert status == 0, said
    added = Counter(subnets=3, route_tables=2, addresses=1, nat_gateways=1)
    assert operator.made("alpha") == PLAIN + added
    operator.changes_nothing("create_network", "alpha", *options)
    status, said = operator.play("teardown", "alpha", "confirm=alpha")
    assert status == 0, said
    assert operator.made("alpha") == Counter()
