"""Which call a fault strikes, and what happens to that call: asked without any API."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api.calls import Call
from lab.api.faults import KINDS, Fault, FaultBook, Tally, decide, make_fault
from lab.errors import LabError

CREATE = Call("ec2", "ap-northeast-2", "CreateVpc")
READ = Call("ec2", "ap-northeast-2", "DescribeVpcs")
SECRET = Call("ssm", "ap-northeast-2", "PutParameter", json=True)


def strikes(calls: list[Call], **terms: Any) -> list[bool]:
    """What one fault does to these calls, in order."""
    fault, tally = make_fault(1, terms.pop("kind", "throttle"), **terms), Tally()
    verdicts = []
    for call in calls:
        struck, tally = decide(fault, tally, call)
        verdicts.append(struck)
    return verdicts


def test_a_fault_without_terms_strikes_every_call() -> None:
    assert strikes([CREATE, READ, SECRET]) == [True, True, True]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["Create*"], [True, False, False]),
        (["CreateVpc", "DescribeVpcs"], [True, True, False]),
        (["ssm:*"], [False, False, True]),
        (["create*"], [False, False, False]),  # AWS names are exact
    ],
)
def test_an_action_is_a_pattern(patterns: list[str], expected: list[bool]) -> None:
    assert strikes([CREATE, READ, SECRET], actions=patterns) == expected


def test_only_mutating_calls_if_asked() -> None:
    assert strikes([READ, CREATE, SECRET], mutating=True) == [False, True, True]


def test_the_nth_counts_only_the_calls_that_it_concerns() -> None:
    assert strikes([CREATE, READ, CREATE, CREATE], actions=["Create*"], nth=2) == [False, False, True, False]


def test_a_count_is_used_up() -> None:
    assert strikes([CREATE] * 4, count=2) == [True, True, False, False]


def test_a_chance_is_near_its_share_and_the_same_seed_strikes_alike() -> None:
    many = [READ] * 2000
    first = strikes(many, chance=0.3, seed=7)
    assert 500 < sum(first) < 700
    assert strikes(many, chance=0.3, seed=7) == first
    assert strikes(many, chance=0.3, seed=8) != first


def test_a_call_it_does_not_concern_leaves_the_dice_alone() -> None:
    mixed = strikes([CREATE, READ] * 50, actions=["CreateVpc"], chance=0.5)
    assert mixed[::2] == strikes([CREATE] * 50, chance=0.5)


def test_deciding_keeps_no_memory_of_its_own() -> None:
    fault = Fault(1, "throttle", chance=0.5)
    assert decide(fault, Tally(3, 1), CREATE) == decide(fault, Tally(3, 1), CREATE)


def book(*faults: dict[str, Any]) -> FaultBook:
    made = FaultBook()
    for terms in faults:
        made.add(**terms)
    return made


def test_delays_add_up_and_the_first_of_the_rest_wins() -> None:
    several = book(
        {"kind": "slow", "ms": 100},
        {"kind": "unavailable", "actions": ["CreateVpc"]},
        {"kind": "slow", "ms": 30},
        {"kind": "lost-reply"},
    )
    harm = several.consider(CREATE)
    assert (harm.delay_ms, harm.error(CREATE), harm.loses) == (
        130,
        (503, "Unavailable", "The server is overloaded and can't handle it."),
        "",
    )
    assert harm.names == ("slow#1", "unavailable#2", "slow#3", "lost-reply#4")
    harm = several.consider(READ)
    assert (harm.delay_ms, harm.error(READ), harm.loses) == (130, None, "reply")


@pytest.mark.parametrize(
    ("call", "number", "code"),
    [
        (CREATE, 503, "RequestLimitExceeded"),
        (SECRET, 400, "ThrottlingException"),
        (Call("rds", "", "CreateDBInstance"), 400, "Throttling"),
        (Call("s3", "", "GET /bucket"), 503, "SlowDown"),
    ],
)
def test_every_service_has_its_own_word_for_throttling(call: Call, number: int, code: str) -> None:
    refused = book({"kind": "throttle"}).consider(call).error(call)
    assert refused is not None
    assert refused[:2] == (number, code)


def test_capacity_is_short_only_where_a_machine_is_asked_for() -> None:
    short = book({"kind": "no-capacity"})
    assert short.consider(CREATE).names == ()
    assert short.consider(Call("ec2", "", "RunInstances")).names == ("no-capacity#1",)


def test_the_list_counts_and_clear_forgets() -> None:
    several = book({"kind": "throttle", "count": 1}, {"kind": "lost-reply", "actions": ["DeleteVpc"]})
    several.consider(CREATE)
    several.consider(CREATE)
    listed = {one["number"]: (one["seen"], one["struck"]) for one in several.list()["faults"]}
    assert listed == {1: (2, 1), 2: (0, 0)}
    assert several.clear(numbers=[1]) == {"cleared": [1]}
    assert [one["number"] for one in several.list()["faults"]] == [2]
    several.clear()
    assert several.list() == {"faults": []}
    assert several.add(kind="throttle")["number"] == 3  # a number is never given twice


def test_two_equal_faults_are_two() -> None:
    twice = book({"kind": "slow", "ms": 5}, {"kind": "slow", "ms": 5})
    assert twice.consider(READ).delay_ms == 10


@pytest.mark.parametrize(
    ("kind", "terms", "words"),
    [
        ("earthquake", {}, "no fault of the kind earthquake"),
        ("throttle", {"chance": 0.0}, "0 is no probability"),
        ("throttle", {"chance": 1.1}, "1.1 is no probability"),
        ("throttle", {"nth": 0}, "counted from 1"),
        ("throttle", {"count": -1}, "counted from 1"),
        ("slow", {}, "needs its milliseconds"),
        ("throttle", {"ms": 5}, "takes no milliseconds"),
    ],
)
def test_terms_that_cannot_work_are_refused(kind: str, terms: dict[str, Any], words: str) -> None:
    with pytest.raises(LabError, match=words):
        make_fault(1, kind, **terms)


def test_clearing_a_number_that_is_not_there_forgets_nothing() -> None:
    one = book({"kind": "throttle"})
    with pytest.raises(LabError, match="no fault 9"):
        one.clear(numbers=[1, 9])
    assert len(one.list()["faults"]) == 1


def test_every_kind_does_something_and_says_what() -> None:
    for name, kind in KINDS.items():
        assert kind.says
        assert kind.code or kind.loses or name == "slow"
