"""What an Auto Scaling group of the lab does next."""

from __future__ import annotations

from dataclasses import replace

from lab.autoscaling.plan import (
    IN_SERVICE,
    TERMINATING,
    End,
    Enter,
    Group,
    Launch,
    Leave,
    Member,
    Refresh,
    Refreshed,
    Step,
    plan,
)


def member(
    number: int, *, version: int = 1, subnet: str = "a", target: str = "healthy", seconds: float = 900
) -> Member:
    return Member(f"i-{number}", subnet, version, IN_SERVICE, "running", target=target, seconds_in_service=seconds)


def group(*members: Member, desired: int = 2, version: int = 1, refresh: Refresh | None = None) -> Group:
    return Group(desired, version, ("a", "c"), members, asks_targets=True, refresh=refresh)


def leaving(steps: list[Step]) -> list[str]:
    return [one.id for one in steps if isinstance(one, Leave)]


def test_machines_are_spread_over_the_zones() -> None:
    assert plan(group()) == [Launch("a"), Launch("c")]
    assert plan(group(member(1), desired=3)) == [Launch("c"), Launch("a")]


def test_a_machine_that_runs_comes_into_service() -> None:
    young = Member("i-1", "a", 1)
    assert plan(group(young, desired=1)) == []
    assert plan(group(replace(young, power="running"), desired=1)) == [Enter("i-1")]


def test_a_dead_machine_is_replaced_in_its_zone() -> None:
    dead = replace(member(2, subnet="c"), power="stopped")
    steps = plan(group(member(1), dead))
    assert leaving(steps) == ["i-2"]
    assert Launch("c") in steps


def test_an_ill_target_is_replaced_after_its_grace_only() -> None:
    assert plan(group(member(1), member(2, subnet="c", target="unhealthy", seconds=10))) == []
    assert leaving(plan(group(member(1), member(2, subnet="c", target="unhealthy")))) == ["i-2"]


def test_nobody_is_terminated_before_it_has_drained() -> None:
    gone = replace(member(3, target="draining"), state=TERMINATING)
    pair = (member(1), member(2, subnet="c"))
    assert plan(group(*pair, gone)) == []
    assert plan(group(*pair, replace(gone, target=""))) == [End("i-3")]


def test_a_smaller_group_keeps_the_new_and_the_zones() -> None:
    crowd = (member(1), member(2, version=2), member(3, subnet="c", version=2))
    assert leaving(plan(group(*crowd, desired=2, version=2))) == ["i-1"]


def test_a_refresh_launches_first_where_more_are_allowed() -> None:
    more = Refresh(min_healthy_percentage=100, max_healthy_percentage=150)
    pair = (member(1), member(2, subnet="c"))
    steps = plan(group(*pair, version=2, refresh=more))
    assert leaving(steps) == []
    assert len(steps) == 1
    young = member(3, version=2, target="initial", seconds=1)
    assert plan(group(*pair, young, version=2, refresh=more)) == []
    assert len(leaving(plan(group(*pair, member(3, version=2), version=2, refresh=more)))) == 1


def test_a_refresh_takes_one_at_a_time_where_no_more_are_allowed() -> None:
    pair = (member(1), member(2, subnet="c"))
    steps = plan(group(*pair, version=2, refresh=Refresh()))
    assert len(leaving(steps)) == 1
    young = member(3, version=2, target="initial", seconds=1)
    assert leaving(plan(group(pair[1], young, version=2, refresh=Refresh()))) == []


def test_a_refresh_ends_when_all_are_new_and_well() -> None:
    pair = (member(3, version=2), member(4, version=2, subnet="c"))
    assert plan(group(*pair, version=2, refresh=Refresh())) == [Refreshed()]
    slow = (pair[0], replace(pair[1], seconds_in_service=3))
    assert plan(group(*slow, version=2, refresh=Refresh(warmup_seconds=10))) == []
