"""Faults of the API on demand, as a client feels them, and what the call log tells of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from lab.config import REGION
from tests.lab.living import LivingLab, lab, living_lab

NAME, PORT = "api", 4660


@pytest.fixture(scope="module")
def living() -> Iterator[LivingLab]:
    with living_lab(NAME, PORT) as one:
        yield one


@pytest.fixture(autouse=True)
def _clear() -> Iterator[None]:
    yield
    lab("fault", "clear", "--name", NAME)


def client(living: LivingLab, service: str = "ec2", *, tries: int = 1) -> Any:
    """A client that asks so many times, and once unless told otherwise."""
    values = json.loads(lab("env", "--name", NAME, "--json"))
    return boto3.client(
        service,  # type: ignore[call-overload]  # boto3's types know services only as literals
        endpoint_url=living.config.endpoint_url,
        region_name=REGION,
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": tries, "mode": "standard"}),
    )


@pytest.fixture(scope="module")
def ec2(living: LivingLab) -> Any:
    return client(living)


def fault(*words: str) -> None:
    lab("fault", "add", "--name", NAME, *words)


def refusal(call: Any, **parameters: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def log(*words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lab("calls", "--name", NAME, "--json", *words).splitlines()]


def mark() -> str:
    """The number of the last call, for `--since`."""
    return str(max((call["n"] for call in log()), default=0))


def count(ec2: Any, cidr: str) -> int:
    return len(ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": [cidr]}])["Vpcs"])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttle", (503, "RequestLimitExceeded")),
        ("internal-error", (500, "InternalError")),
        ("unavailable", (503, "Unavailable")),
    ],
)
def test_a_refusal_says_what_ec2_says_and_does_nothing(ec2: Any, kind: str, expected: tuple[int, str]) -> None:
    fault(kind, "--action", "CreateVpc")
    assert refusal(ec2.create_vpc, CidrBlock="10.20.0.0/16") == expected
    assert count(ec2, "10.20.0.0/16") == 0


def test_other_services_are_throttled_in_their_own_words(living: LivingLab) -> None:
    fault("throttle", "--action", "ssm:*")
    ssm = client(living, "ssm")
    assert refusal(ssm.get_parameter, Name="/any") == (400, "ThrottlingException")


def test_only_the_nth_change_is_struck(ec2: Any) -> None:
    fault("internal-error", "--mutating", "--nth", "2")
    ec2.describe_vpcs()
    vpc = ec2.create_vpc(CidrBlock="10.21.0.0/16")["Vpc"]["VpcId"]
    ec2.describe_vpcs()
    assert refusal(ec2.delete_vpc, VpcId=vpc) == (500, "InternalError")
    ec2.delete_vpc(VpcId=vpc)


def test_a_lost_request_was_not_done_and_a_lost_reply_was(ec2: Any) -> None:
    fault("lost-request", "--action", "CreateVpc", "--count", "1")
    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.24.0.0/16")
    assert count(ec2, "10.24.0.0/16") == 0
    fault("lost-reply", "--action", "CreateVpc", "--count", "1")
    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.24.0.0/16")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.24.0.0/16"]}])["Vpcs"]
    ec2.delete_vpc(VpcId=vpc["VpcId"])


def test_a_client_that_asks_again_makes_two_of_what_has_no_token_and_one_of_what_has(
    living: LivingLab, ec2: Any
) -> None:
    """The reason why a re-run must look before it creates."""
    patient = client(living, tries=3)
    fault("lost-reply", "--action", "Create*", "--nth", "1")
    patient.create_vpc(CidrBlock="10.25.0.0/16")
    vpcs = [vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.25.0.0/16"]}])["Vpcs"]]
    assert len(vpcs) == 2
    lab("fault", "clear", "--name", NAME)
    fault("lost-reply", "--action", "CreateRouteTable", "--nth", "1")
    patient.create_route_table(VpcId=vpcs[0])
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpcs[0]]}])["RouteTables"]
    own = [table["RouteTableId"] for table in tables if not table["Associations"]]
    assert len(own) == 1
    ec2.delete_route_table(RouteTableId=own[0])
    for vpc in vpcs:
        ec2.delete_vpc(VpcId=vpc)


def test_a_slow_answer_takes_its_time_and_is_right(ec2: Any) -> None:
    fault("slow", "--ms", "120", "--action", "DescribeVpcs")
    before = mark()
    assert ec2.describe_vpcs()["Vpcs"]
    (call,) = log("--since", before)
    assert call["ms"] >= 120
    assert (call["status"], call["faults"][0].partition("#")[0]) == (200, "slow")


def test_capacity_is_short(ec2: Any) -> None:
    fault("no-capacity")
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0]["ImageId"]
    wanted = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    assert refusal(ec2.run_instances, **wanted) == (500, "InsufficientInstanceCapacity")
    assert not ec2.describe_instances()["Reservations"]


def test_chance_strikes_the_same_calls_for_the_same_seed(ec2: Any) -> None:
    def struck() -> list[bool]:
        before = mark()
        fault("throttle", "--chance", "0.4", "--seed", "5", "--action", "DescribeSubnets")
        for _ in range(20):
            try:
                ec2.describe_subnets()
            except ClientError:
                continue
        lab("fault", "clear", "--name", NAME)
        return [call["error"] == "RequestLimitExceeded" for call in log("--since", before)]

    first = struck()
    assert len(first) == 20
    assert 2 <= sum(first) <= 14
    assert struck() == first


def test_the_list_tells_how_often_each_struck(ec2: Any) -> None:
    fault("throttle", "--action", "DescribeVpcs", "--count", "1")
    fault("slow", "--ms", "1")
    refusal(ec2.describe_vpcs)
    ec2.describe_vpcs()
    throttle, slow = json.loads(lab("fault", "list", "--name", NAME, "--json"))
    assert (throttle["kind"], throttle["seen"], throttle["struck"]) == ("throttle", 2, 1)
    assert (slow["kind"], slow["seen"], slow["struck"]) == ("slow", 2, 2)
    assert "at most 1 times" in lab("fault", "list", "--name", NAME)


@pytest.mark.usefixtures("living")
def test_what_cannot_be_set_is_told_in_words() -> None:
    with pytest.raises(AssertionError, match=r"there is no fault 99\n.*remedy: see the numbers"):
        lab("fault", "clear", "99", "--name", NAME)
    with pytest.raises(AssertionError, match="a slow answer needs its milliseconds"):
        fault("slow")
    assert json.loads(lab("fault", "list", "--name", NAME, "--json")) == []


def test_the_log_tells_who_called_what(ec2: Any) -> None:
    before = mark()
    vpc = ec2.create_vpc(CidrBlock="10.26.0.0/16")["Vpc"]["VpcId"]
    refusal(ec2.create_subnet, VpcId=vpc, CidrBlock="10.99.1.0/24")
    ec2.describe_vpcs(VpcIds=[vpc])
    fault("lost-reply", "--action", "DeleteVpc", "--count", "1")
    with pytest.raises(ConnectionClosedError):
        ec2.delete_vpc(VpcId=vpc)
    told = log("--since", before)
    assert [(one["action"], one["mutating"], one["status"], one["error"]) for one in told] == [
        ("CreateVpc", True, 200, ""),
        ("CreateSubnet", True, 400, "InvalidSubnet.Range"),
        ("DescribeVpcs", False, 200, ""),
        ("DeleteVpc", True, 0, ""),
    ]
    assert told[1]["resources"] == [vpc]
    assert told[3]["faults"][0].startswith("lost-reply#")
    assert {(one["caller"], one["agent"].partition("/")[0]) for one in told} == {
        ("onebox-lab-dummy-access-key", "Boto3")
    }
    assert [one["action"] for one in log("--mutating", "--since", before)] == ["CreateVpc", "CreateSubnet", "DeleteVpc"]
    assert "ec2:DeleteVpc" in lab("calls", "--name", NAME, "--since", str(told[2]["n"]))
