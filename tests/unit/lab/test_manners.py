"""Pace, unseen ids, client tokens, quotas and the call log: asked without any API."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.api.calls import Call
from lab.api.fresh import MAKES, NOT_FOUND, hide_unseen, made, refuse_unseen
from lab.api.journal import Journal, read_journal
from lab.api.pace import Pace
from lab.api.quotas import Quotas, parse_quotas
from lab.api.refusal import Refusal
from lab.api.replies import Reply, error
from lab.api.tokens import Tokens
from lab.errors import LabError

VPC, SUBNET = "vpc-0123456789abcdef0", "subnet-0123456789abcdef0"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def slow_pace(seconds: float = 10.0) -> tuple[Pace, Clock]:
    clock = Clock()
    pace = Pace(clock)
    pace.seconds = pace.late_seconds = seconds
    return pace, clock


def ec2(action: str, **parameters: str) -> Call:
    return Call("ec2", "ap-northeast-2", action, parameters)


def test_a_state_ends_when_its_time_has_come_and_only_once() -> None:
    pace, clock = slow_pace()
    ended: list[str] = []
    pace.begin("i-1", lambda: ended.append("running"))
    pace.settle()
    assert ended == []
    clock.now = 10.0
    pace.settle()
    pace.settle()
    assert ended == ["running"]


def test_a_later_state_replaces_the_one_under_way() -> None:
    pace, clock = slow_pace()
    ended: list[str] = []
    pace.begin("i-1", lambda: ended.append("running"))
    pace.begin("i-1", lambda: ended.append("terminated"))
    clock.now = 20.0
    pace.settle()
    assert ended == ["terminated"]


def test_a_quicker_pace_counts_for_what_began_before() -> None:
    pace, clock = slow_pace(600)
    ended: list[str] = []
    pace.begin("i-1", lambda: ended.append("running"))
    clock.now = 1.0
    pace.seconds = 0
    pace.settle()
    assert ended == ["running"]


def test_an_id_is_unseen_until_its_time_has_come() -> None:
    pace, clock = slow_pace(10)
    pace.bear(VPC)
    assert pace.unseen(VPC)
    assert not pace.unseen(SUBNET)
    clock.now = 10.0
    assert not pace.unseen(VPC)


def test_without_a_pace_everything_is_seen_at_once() -> None:
    pace, _ = slow_pace(0)
    pace.bear(VPC)
    assert not pace.unseen(VPC)


def test_a_slower_pace_hides_nothing_that_was_seen() -> None:
    pace, _ = slow_pace(0)
    pace.bear(VPC)
    pace.late_seconds = 600
    assert not pace.unseen(VPC)


def test_what_names_an_unseen_id_is_refused_and_what_filters_by_it_finds_nothing() -> None:
    pace, _ = slow_pace()
    pace.bear(VPC)
    refusal = refuse_unseen(ec2("CreateSubnet", VpcId=VPC), pace)
    assert refusal is not None
    assert refusal.code == "InvalidVpcID.NotFound"
    search = ec2("DescribeSubnets", **{"Filter.1.Name": "vpc-id", "Filter.1.Value.1": VPC})
    assert refuse_unseen(search, pace) is None
    hidden = hide_unseen(search, pace)
    assert hidden is not None
    assert hidden["Filter.1.Value.1"] != VPC
    assert hide_unseen(ec2("DescribeSubnets"), pace) is None


def test_what_a_call_made_is_read_from_its_answer() -> None:
    body = f"<subnetId>{SUBNET}</subnetId><vpcId>{VPC}</vpcId>".encode()
    assert made(ec2("CreateSubnet", VpcId=VPC), body) == {SUBNET}
    assert made(ec2("DescribeSubnets"), body) == set()


def test_every_kind_of_made_thing_can_be_not_found() -> None:
    assert set(MAKES.values()) <= set(NOT_FOUND)


def test_the_same_token_makes_nothing_twice() -> None:
    tokens, replies = Tokens(), iter([Reply("200 OK", b"first"), Reply("200 OK", b"second")])
    call = ec2("RunInstances", ClientToken="a", MinCount="1")
    first = tokens.once(call, lambda: next(replies))
    assert tokens.once(call, lambda: next(replies)) is first
    other = tokens.once(ec2("RunInstances", ClientToken="a", MinCount="2"), lambda: next(replies))
    assert isinstance(other, Refusal)
    assert other.code == "IdempotentParameterMismatch"
    assert tokens.once(ec2("RunInstances", ClientToken="b"), lambda: next(replies)) == Reply("200 OK", b"second")


def test_a_refused_request_leaves_its_token_free() -> None:
    tokens, call = Tokens(), ec2("RunInstances", ClientToken="a")
    tokens.once(call, lambda: Reply("400 Bad Request", b"no"))
    assert tokens.once(call, lambda: Reply("200 OK", b"yes")) == Reply("200 OK", b"yes")


@pytest.mark.parametrize("call", [ec2("CreateVpc"), Call("ssm", "", "PutParameter", json=True), Call("rds", "", "X")])
def test_an_error_reads_back_as_its_code_in_every_protocol(call: Call) -> None:
    reply = error(call, 503, "TooMuch", "less <please>")
    assert (reply.number, reply.error) == (503, "TooMuch")


def test_a_good_reply_has_no_error_code() -> None:
    assert Reply("200 OK", b"<Code>16</Code>").error == ""


def test_quotas_are_changed_by_name() -> None:
    assert Quotas().change(parse_quotas(["addresses=2", "vcpus=0"])) == Quotas(addresses=2, vcpus=0)


@pytest.mark.parametrize("text", ["addresses", "addresses=", "addresses=two", "adresses=2", "vpcs=-1"])
def test_a_quota_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(LabError):
        Quotas().change(parse_quotas([text]))


def test_the_log_is_read_from_a_number_on_and_counts_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    for call in (ec2("DescribeVpcs"), ec2("CreateSubnet", VpcId=VPC, CidrBlock="10.1.1.0/24")):
        Journal(path).note(call, status=200, error="", faults=(), seconds=0.01)
    assert [one["n"] for one in read_journal(path)] == [1, 2]
    assert [one["n"] for one in read_journal(path, since=1)] == [2]
    (change,) = read_journal(path, mutating=True)
    assert (change["action"], change["resources"], change["ms"]) == ("CreateSubnet", [VPC], 10.0)


@pytest.mark.parametrize(
    ("action", "mutating"),
    [("DescribeVpcs", False), ("GetParameter", False), ("GET /bucket", False), ("PUT /bucket", True), ("Create", True)],
)
def test_reads_are_told_from_changes(action: str, mutating: bool) -> None:
    assert Call("any", "", action).mutating is mutating
