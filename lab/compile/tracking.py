"""Which connections EC2 does not track, and which of them a change of rules must cut.

What a rule admits from or to everywhere is not tracked where the other direction is open to everywhere on all ports:
each packet is judged anew, so such a connection ends with its rule, while a tracked one goes on.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html#untracked-connections
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.model import ANYWHERE, Interface, Rule, SecurityGroup, Vpc

UNTRACKED_PROTOCOLS = ("tcp", "udp")
ALL_PORTS = ((None, None), (0, 65535))


@dataclass(frozen=True)
class Direction:
    """One direction of opening: the bit of its connections' mark, and where conntrack keeps the interface's address."""

    name: str
    mark: int
    side: str


INGRESS = Direction("ingress", 1, "--reply-src")
EGRESS = Direction("egress", 2, "--orig-src")


def is_untracked(rule: Rule, responses: Iterable[Rule]) -> bool:
    """Whether EC2 tracks nothing of what this rule admits; `responses` are the rules of the other direction."""
    if rule.cidr != ANYWHERE or rule.protocol not in (*UNTRACKED_PROTOCOLS, "-1"):
        return False
    return any(
        one.cidr == ANYWHERE
        and (one.protocol == "-1" or (one.protocol == rule.protocol and (one.from_port, one.to_port) in ALL_PORTS))
        for one in responses
    )


def rules_of(groups: list[SecurityGroup], direction: Direction) -> list[Rule]:
    """The rules of an interface's groups in one direction."""
    return [rule for group in groups for rule in (group.ingress if direction is INGRESS else group.egress)]


def cut_by_change(before: Vpc, after: Vpc) -> Iterator[tuple[Direction, IPv4Address]]:
    """The addresses whose untracked connections must be judged anew: a rule that admitted some is gone."""
    old = {nic.id: nic for nic in before.interfaces}
    for nic in after.interfaces:
        for direction in (INGRESS, EGRESS):
            if nic.id in old and _untracked(before, old[nic.id], direction) - _untracked(after, nic, direction):
                yield from ((direction, address) for address in nic.addresses)


def _untracked(vpc: Vpc, nic: Interface, direction: Direction) -> set[tuple[str, int | None, int | None]]:
    own = [group for group in vpc.groups if group.id in nic.group_ids]
    responses = rules_of(own, EGRESS if direction is INGRESS else INGRESS)
    rules = (rule for rule in rules_of(own, direction) if is_untracked(rule, responses))
    return {(rule.protocol, rule.from_port, rule.to_port) for rule in rules}
