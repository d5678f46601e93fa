"""Rules of security groups and network ACLs -> the matching part of an nftables rule, ending in a space or empty."""

from __future__ import annotations

from collections.abc import Iterator

from lab.compile.names import members
from lab.model import ANYWHERE, AclEntry, Rule

ANY_ICMP = -1


def rule_matches(rule: Rule, *, peer: str) -> Iterator[str]:
    """Yield the matches of one group rule; `peer` is `saddr` for ingress and `daddr` for egress."""
    if rule.group_id:
        interface = "iifname" if peer == "saddr" else "oifname"
        address = f"{interface} . ip {peer} @{members(rule.group_id)} "
    elif rule.cidr is None:
        return  # IPv6 and prefix lists: nothing of IPv4 to admit
    else:
        address = "" if rule.cidr == ANYWHERE else f"ip {peer} {rule.cidr} "
    yield address + _protocol(rule.protocol, rule.from_port, rule.to_port)


def acl_match(entry: AclEntry) -> str:
    """The match of one ACL entry; its CIDR is the destination going out and the source coming in."""
    peer = "daddr" if entry.egress else "saddr"
    address = "" if entry.cidr == ANYWHERE else f"ip {peer} {entry.cidr} "
    return address + _protocol(entry.protocol, entry.from_port, entry.to_port)


def _protocol(protocol: str, from_port: int | None, to_port: int | None) -> str:
    """For ICMP `from_port` is the type and `to_port` the code, -1 meaning any.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
    """
    match protocol:
        case "-1":
            return ""
        case "tcp" | "udp":
            if from_port is None or (from_port, to_port) == (0, 65535):
                return f"meta l4proto {protocol} "
            ports = f"{from_port}" if from_port == to_port else f"{from_port}-{to_port}"
            return f"{protocol} dport {ports} "
        case "icmp":
            if from_port is None or from_port == ANY_ICMP:
                return "meta l4proto icmp "
            code = "" if to_port in (None, ANY_ICMP) else f"icmp code {to_port} "
            return f"icmp type {from_port} {code}"
        case _:
            return f"meta l4proto {protocol} "
