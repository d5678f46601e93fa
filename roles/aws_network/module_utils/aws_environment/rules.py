# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""The rules of a security group, one line each, whether EC2 lists them or a playbook asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Rule = dict[str, Any]


def found_rules(group: Rule, names: dict[str, str]) -> set[str]:
    """The rules of a group as EC2 describes it; `names` tells what other groups are called."""
    return {
        _line(way, rule["IpProtocol"], rule.get("FromPort", -1), rule.get("ToPort", -1), whom, text)
        for way, key in (("in", "IpPermissions"), ("out", "IpPermissionsEgress"))
        for rule in group.get(key, [])
        for whom, text in _sources(rule, names)
    }


def _sources(rule: Rule, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    keys = (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("PrefixListIds", "PrefixListId"))
    for many, one in keys:
        for source in rule.get(many, []):
            yield source[one], source.get("Description") or ""
    for pair in rule.get("UserIdGroupPairs", []):
        known = pair.get("GroupId") or pair.get("GroupName") or ""
        yield names.get(known, known), pair.get("Description") or ""


def wanted_rules(incoming: Iterable[Rule], outgoing: Iterable[Rule]) -> set[str]:
    """The same lines for rules as the module ec2_security_group takes them."""
    return {
        _line(way, rule["proto"], first, last, whom, rule.get("rule_desc", ""))
        for way, rules in (("in", incoming), ("out", outgoing))
        for rule in rules
        for first, last in _ports(rule)
        for whom in _many(rule.get("cidr_ip") or rule["group_name"])
    }


def _ports(rule: Rule) -> Iterator[tuple[int, int]]:
    if rule["proto"] == "icmp":
        yield int(rule["icmp_type"]), int(rule["icmp_code"])
        return
    for ports in rule["ports"]:
        first, _, last = str(ports).partition("-")
        yield int(first), int(last or first)


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _line(way: str, protocol: str, first: int, last: int, whom: str, text: str) -> str:
    if protocol == "icmp":
        what = f"icmp {first}/{last}" if first != -1 else "icmp"
    elif protocol == "-1":
        what = "everything"
    else:
        what = f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"
    return f"{way}: {what} {'from' if way == 'in' else 'to'} {whom} ({text or 'no description'})"
