"""Which connections EC2 does not track, and which of them a change of rules must cut.

What a rule admits from everywhere is not tracked where egress leads everywhere too: each packet is judged anew, so such
a connection ends with its rule, while a tracked one goes on.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html#untracked-connections
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from lab.model import ANYWHERE, Interface, Rule, SecurityGroup, Vpc

UNTRACKED_MARK = 1
UNTRACKED_PROTOCOLS = ("tcp", "udp")


def is_untracked(rule: Rule, own: list[SecurityGroup]) -> bool:
    """Whether EC2 tracks nothing of what this ingress rule of an interface's groups admits."""
    everywhere = rule.cidr == ANYWHERE and rule.protocol in (*UNTRACKED_PROTOCOLS, "-1")
    return everywhere and any(one.protocol == "-1" and one.cidr == ANYWHERE for group in own for one in group.egress)


def cut_by_change(before: Vpc, after: Vpc) -> Iterator[IPv4Address]:
    """The addresses whose untracked connections must be judged anew: a rule that admitted some is gone."""
    old = {nic.id: nic for nic in before.interfaces}
    for nic in after.interfaces:
        if nic.id in old and _untracked_rules(before, old[nic.id]) - _untracked_rules(after, nic):
            yield from nic.addresses


def _untracked_rules(vpc: Vpc, nic: Interface) -> set[tuple[str, int | None, int | None]]:
    own = [group for group in vpc.groups if group.id in nic.group_ids]
    rules = [rule for group in own for rule in group.ingress if is_untracked(rule, own)]
    return {(rule.protocol, rule.from_port, rule.to_port) for rule in rules}
