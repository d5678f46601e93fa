"""The life of an environment without its machines: what check mode says, what others do to it, what is in its way."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.network.accounts import AT_LENGTH, REPO, Operator, changed_tasks, empty_account

pytestmark = AT_LENGTH
BUILD = ("create_network", "launch_instances")
CHECK = ("--check", "--diff")
# What a run does in other tasks than those in which check mode says it, and what check mode cannot foresee.
SAID_OTHERWISE = {"Say which machines would be launched": "Launch the machines"}
UNFORESEEN = {"Learn the host keys from the console"}


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with empty_account(tmp_path_factory.mktemp("life") / "account") as one:
        yield one


@pytest.fixture
def beta(operator: Operator) -> Operator:
    """The same person with another environment."""
    return dataclasses.replace(operator, environment="beta")


def mutating(operator: Operator, since: int) -> list[str]:
    return [call["action"] for call in operator.account.calls(since=since, mutating=True)]


def tagged(operator: Operator, kind: str, key: str, **filters: str) -> list[Any]:
    """Resources of the environment."""
    named = {"tag:Environment": operator.environment} | {k.replace("_", "-"): v for k, v in filters.items()}
    wanted = [{"Name": name, "Values": [value]} for name, value in named.items()]
    return list(getattr(operator.account.client("ec2"), f"describe_{kind}")(Filters=wanted)[key])


def test_check_mode_on_an_empty_account_lists_what_the_run_then_makes(operator: Operator) -> None:
    said = operator.succeeds(*BUILD, words=CHECK)
    assert mutating(operator, 0) == []
    assert "do not exist yet" in said
    foreseen = {SAID_OTHERWISE.get(task, task) for task in changed_tasks(said)}
    assert set(changed_tasks(operator.succeeds(*BUILD))) - UNFORESEEN == foreseen
    operator.changes_nothing(*BUILD)


def test_check_mode_lists_one_changed_variable_and_nothing_else(operator: Operator) -> None:
    since = operator.account.last_call()
    said = operator.succeeds(*BUILD, words=CHECK, extra=("s3_endpoint=false",))
    assert changed_tasks(said) == ["Delete the endpoint that is not wanted"]
    assert mutating(operator, since) == []


def test_what_somebody_changed_by_hand_is_reported_and_put_right(operator: Operator) -> None:
    ec2, before = operator.account.client("ec2"), operator.account.things()
    (vpc,) = tagged(operator, "vpcs", "Vpcs")
    (gateway,) = tagged(operator, "internet_gateways", "InternetGateways")
    (group,) = tagged(operator, "security_groups", "SecurityGroups", **{"tag:Tier": "private"})
    (table,) = tagged(operator, "route_tables", "RouteTables", **{"tag:Tier": "private"})
    (subnet,) = tagged(operator, "subnets", "Subnets", **{"tag:Tier": "public"})
    (machine,) = tagged(operator, "instances", "Reservations", **{"tag:Tier": "private"})
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"], IpProtocol="tcp", FromPort=3306, ToPort=3306, CidrIp="0.0.0.0/0"
    )
    ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    ec2.stop_instances(InstanceIds=[machine["Instances"][0]["InstanceId"]])
    ec2.create_tags(Resources=[vpc["VpcId"], gateway["InternetGatewayId"]], Tags=[{"Key": "Name", "Value": "mine"}])
    since = operator.account.last_call()
    said = " ".join(operator.succeeds(*BUILD, words=CHECK).split())
    assert mutating(operator, since) == []
    for words in (
        "has too much: in: tcp 3306 from 0.0.0.0/0",
        "sends 0.0.0.0/0 to nowhere",
        "gives every machine a public address",
        "is stopped",
        "is called mine",
    ):
        assert words in said
    operator.succeeds(*BUILD)
    assert operator.account.things() == before
    operator.changes_nothing(*BUILD)


def test_only_the_machine_that_is_gone_is_made_anew(operator: Operator) -> None:
    before = operator.account.things()
    (old,) = tagged(operator, "instances", "Reservations", **{"tag:Tier": "public"})
    (other,) = tagged(operator, "instances", "Reservations", **{"tag:Tier": "private"})
    operator.account.client("ec2").terminate_instances(InstanceIds=[old["Instances"][0]["InstanceId"]])
    operator.succeeds(*BUILD)
    # The host keys of the old one are kept until tear-down: nobody knows whether it will be asked about.
    assert operator.account.things() - before == {"parameters": 1}
    running = {"instance_state_name": "running"}
    (new,) = tagged(operator, "instances", "Reservations", **{"tag:Tier": "public"}, **running)
    (address,) = tagged(operator, "addresses", "Addresses")
    (table,) = tagged(operator, "route_tables", "RouteTables", **{"tag:Tier": "private"})
    identifier = new["Instances"][0]["InstanceId"]
    assert address["InstanceId"] == identifier
    assert identifier in [route.get("InstanceId") for route in table["Routes"]]
    (still,) = tagged(operator, "instances", "Reservations", **{"tag:Tier": "private"}, **running)
    assert still["Instances"][0]["InstanceId"] == other["Instances"][0]["InstanceId"]


def test_a_foreign_vpc_of_our_name_stops_the_run(beta: Operator) -> None:
    ec2, since = beta.account.client("ec2"), beta.account.last_call()
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "sidedish-beta-vpc"}])
    status, said = beta.play("create_network")
    done = mutating(beta, since)
    ec2.delete_vpc(VpcId=vpc)
    assert status != 0
    assert vpc in said
    assert done == ["CreateVpc", "CreateTags"]


def test_a_stranger_in_our_vpc_is_named_and_nothing_is_touched(operator: Operator) -> None:
    """With and without something to do; and where ours would be, the run stops before the lock is taken."""
    ec2 = operator.account.client("ec2")
    (vpc,) = tagged(operator, "vpcs", "Vpcs")
    group = ec2.create_security_group(VpcId=vpc["VpcId"], GroupName="office", Description="of somebody else")["GroupId"]
    aside = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.2.200.0/24")["Subnet"]["SubnetId"]
    before, since = operator.account.things(), operator.account.last_call()
    said = operator.succeeds("create_network")
    assert {vpc["VpcId"], group, aside} <= set(re.findall(r"(?:vpc|sg|subnet)-\w+", said))
    assert mutating(operator, since) == []
    inside = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.2.3.128/25")["Subnet"]["SubnetId"]
    since = operator.account.last_call()
    status, said = operator.play("create_network", extra=("isolated_subnet=true",))
    assert status != 0
    assert {vpc["VpcId"], inside} <= set(re.findall(r"(?:vpc|subnet)-\w+", said))
    assert mutating(operator, since) == []
    status, said = operator.play("teardown", extra=("confirm=alpha",))
    assert status != 0
    assert {vpc["VpcId"], group, aside, inside} <= set(re.findall(r"(?:vpc|sg|subnet)-\w+", said))
    ec2.delete_subnet(SubnetId=inside)
    assert operator.account.things() == before
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=aside)


def test_a_key_pair_of_our_name_is_not_taken_over(beta: Operator) -> None:
    ec2 = beta.account.client("ec2")
    pair = ec2.create_key_pair(KeyName="sidedish-beta")["KeyPairId"]
    since = beta.account.last_call()
    status, said = beta.play("create_network")
    assert status != 0
    assert pair in said
    assert mutating(beta, since) == []
    ec2.delete_key_pair(KeyName="sidedish-beta")


def test_a_quota_that_is_used_up_is_named_and_the_next_run_goes_on(beta: Operator) -> None:
    used, taken = (beta.account.order("quota")[what]["used"] for what in ("vpcs", "addresses"))
    beta.account.order("quota", vpcs=used)
    status, said = beta.play("create_network")
    assert status != 0
    assert f"VPCs per Region of the region ap-northeast-2 is used up: {used} of {used}" in " ".join(said.split())
    beta.account.order("quota", vpcs=used + 1, addresses=taken)
    status, said = beta.play(*BUILD)
    assert status != 0
    assert f"EC2-VPC Elastic IPs of the region ap-northeast-2 is used up: {taken} of {taken}" in " ".join(said.split())
    beta.account.order("quota", addresses=5)
    beta.succeeds(*BUILD)
    beta.changes_nothing(*BUILD)


def test_of_two_runs_at_once_one_works_and_the_other_says_who(beta: Operator) -> None:
    first, second = beta.start("create_network"), beta.start("create_network")
    ends = [first.end(), second.end()]
    assert 0 in [status for status, _ in ends]
    assert all(status == 0 or "is at work on sidedish-beta since" in " ".join(said.split()) for status, said in ends)
    assert len(tagged(beta, "vpcs", "Vpcs")) == 1
    beta.changes_nothing("create_network")


def test_options_come_and_tear_down_takes_them_away(operator: Operator, beta: Operator) -> None:
    options, before = ("nat=gateway", "isolated_subnet=true", "second_zone=ap-northeast-2c"), beta.account.things()
    beta.succeeds("create_network", extra=options)
    added = Counter(subnets=3, route_tables=1, addresses=1, nat_gateways=1, network_interfaces=1)
    assert beta.account.things() - before == added
    beta.changes_nothing("create_network", extra=options)
    for one in (beta, operator):
        one.succeeds("teardown", extra=(f"confirm={one.environment}",))
    assert operator.account.things() == {}


def test_the_policy_allows_what_was_called(operator: Operator) -> None:
    """Runs last: everything above is in the log."""
    statements = json.loads((REPO / "docs/iam-policy.json").read_text())["Statement"]
    allowed: set[str] = set()
    for one in statements:
        allowed |= {one["Action"]} if isinstance(one["Action"], str) else set(one["Action"])
    called = {f"{call['service']}:{call['action']}" for call in operator.account.calls() if "Ansible" in call["agent"]}
    # Everybody may ask who he is.
    assert called - allowed == {"sts:GetCallerIdentity"}
