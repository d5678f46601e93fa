"""What a group does next, as a pure function of how it is and how it should be.

Sources: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html,
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html and
https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

PENDING, IN_SERVICE, TERMINATING = "Pending", "InService", "Terminating"


@dataclass(frozen=True)
class Member:
    """One machine of a group."""

    id: str
    subnet_id: str
    version: int  # of the launch template it was made from
    state: str = PENDING
    power: str = "pending"  # what EC2 says of it
    marked_unhealthy: bool = False
    target: str = ""  # the worst that its target groups say; empty: it is in none
    seconds_in_service: float = 0.0
    protected: bool = False  # from being taken when the group shrinks

    @property
    def living(self) -> bool:
        return self.state != TERMINATING


@dataclass(frozen=True)
class Refresh:
    """A rolling replacement under way: of everything that is not of the wanted version."""

    min_healthy_percentage: int = 90
    max_healthy_percentage: int = 100
    warmup_seconds: float = 0.0


@dataclass(frozen=True)
class Group:
    desired: int
    version: int
    subnets: tuple[str, ...]
    members: tuple[Member, ...] = ()
    asks_targets: bool = False  # health check type ELB
    grace_seconds: float = 300.0
    refresh: Refresh | None = None


@dataclass(frozen=True)
class Launch:
    subnet_id: str


@dataclass(frozen=True)
class Enter:
    """A machine that runs comes into service, and to its target groups."""

    id: str


@dataclass(frozen=True)
class Leave:
    """A machine leaves its target groups, and is terminated once it has drained."""

    id: str
    why: str


@dataclass(frozen=True)
class End:
    """A machine that has drained is terminated."""

    id: str


@dataclass(frozen=True)
class Refreshed:
    """Nothing is left to replace."""


Step = Launch | Enter | Leave | End | Refreshed


def plan(group: Group) -> list[Step]:
    """Everything that can be done now, in order."""
    steps: list[Step] = [End(one.id) for one in group.members if not one.living and one.target != "draining"]
    steps += [Enter(one.id) for one in group.members if one.state == PENDING and one.power == "running"]
    ill = {one.id: why for one in group.members if one.living and (why := _illness(one, group))}
    steps += [Leave(id, why) for id, why in ill.items()]
    living = [one for one in group.members if one.living and one.id not in ill]
    return [*steps, *_resize(group, living)]


def _illness(member: Member, group: Group) -> str:
    if member.marked_unhealthy:
        return "in response to a user health-check"
    if member.power not in ("pending", "running"):
        return "in response to an EC2 health check indicating it has been terminated or stopped"
    late = member.state == IN_SERVICE and member.seconds_in_service > group.grace_seconds
    if group.asks_targets and late and member.target == "unhealthy":
        return "in response to an ELB system health check failure"
    return ""


def _resize(group: Group, living: list[Member]) -> Iterator[Step]:
    if group.refresh is not None:
        yield from _roll(group, group.refresh, living)
    elif len(living) < group.desired:
        yield from _launches(group, living, group.desired - len(living))
    else:
        surplus = [one for one in living if not one.protected]
        for _ in range(min(len(living) - group.desired, len(surplus))):
            gone = _dispensable(surplus, living, group.version)
            surplus.remove(gone)
            living.remove(gone)
            yield Leave(gone.id, "in response to a difference between desired and actual capacity")


def _launches(group: Group, living: list[Member], count: int) -> Iterator[Launch]:
    """Each where there are fewest."""
    crowd = {one: sum(member.subnet_id == one for member in living) for one in group.subnets}
    for _ in range(count):
        emptiest = min(group.subnets, key=lambda one: crowd[one])
        crowd[emptiest] += 1
        yield Launch(emptiest)


def _dispensable(candidates: list[Member], living: list[Member], version: int) -> Member:
    """From the fullest zone, the oldest version first.

    Source: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html
    """
    crowd = {one.subnet_id: sum(other.subnet_id == one.subnet_id for other in living) for one in candidates}
    return max(candidates, key=lambda one: (crowd[one.subnet_id], one.version != version, one.seconds_in_service))


def _roll(group: Group, refresh: Refresh, living: list[Member]) -> Iterator[Step]:
    """Launch as many more as the upper bound allows, take away as many old ones as the lower bound allows.

    Where the bounds allow neither, one at a time is taken all the same.
    """
    old = [one for one in living if one.version != group.version]
    ready = [one for one in living if _ready(one, refresh)]
    if not old and len(living) == group.desired and len(ready) == len(living):
        yield Refreshed()
        return
    most = group.desired
    if refresh.max_healthy_percentage > 100:
        most = max(group.desired + 1, math.floor(group.desired * refresh.max_healthy_percentage / 100))
    fresh = len(living) - len(old)
    wanted = min(most, len(old) + group.desired) - len(living)
    missing = max(0, min(wanted, group.desired - fresh))
    if missing:
        yield from _launches(group, living, missing)
    fewest = math.ceil(group.desired * refresh.min_healthy_percentage / 100)
    if most == group.desired:
        fewest = min(fewest, group.desired - 1)
    spare = len(ready) - fewest
    # An old one that does not serve anyway is no loss.
    for one in sorted(old, key=lambda one: _ready(one, refresh)):
        if _ready(one, refresh):
            if spare <= 0:
                continue
            spare -= 1
        yield Leave(one.id, "in response to an instance refresh")


def _ready(member: Member, refresh: Refresh) -> bool:
    return (
        member.state == IN_SERVICE
        and member.target in ("", "healthy")
        and member.seconds_in_service >= refresh.warmup_seconds
    )
