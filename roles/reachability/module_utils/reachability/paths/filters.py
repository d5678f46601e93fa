"""What security groups and network ACLs decide, and the rule that decides in words."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import NamedTuple

from . import codes
from .account import Account, Acl, Entry, Interface, Rule
from .packet import WITH_PORTS, Packet

ANY = -1


class Decision(NamedTuple):
    """Who decided what; a code if it was to drop."""

    component: str
    said: str
    code: str = ""


class Peer(NamedTuple):
    """The other side as an interface sees it: an address, and the interface that hands over or takes the packet."""

    address: IPv4Address
    interface: Interface | None


def speaks_of(rule: Rule | Entry, packet: Packet) -> bool:
    """Whether protocol and ports match; where the client's port is not known, all that it may be must.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
    """
    if rule.protocol == "-1":
        return True
    if rule.protocol != packet.service.protocol:
        return False
    if rule.first is None or rule.first == ANY:
        return True
    if packet.service.protocol == "icmp":
        return packet.icmp[0] == rule.first and rule.last in (None, ANY, packet.icmp[1])
    ports = packet.target_ports
    last = rule.first if rule.last is None else rule.last
    return rule.first <= ports[0] and ports[-1] <= last


def overlaps(entry: Entry, packet: Packet) -> bool:
    """Whether it speaks of some of the ports that the packet may go to."""
    if entry.protocol != packet.service.protocol or entry.protocol not in WITH_PORTS or entry.first is None:
        return False
    last = entry.first if entry.last is None else entry.last
    return entry.first <= packet.target_ports[-1] and packet.target_ports[0] <= last


def names(rule: Rule, peer: Peer, account: Account, vpc: str) -> bool:
    """Whether the rule names a group, and the peer's address is one of its members'."""
    members = [one for one in account.inside(vpc) if rule.group in one.groups]
    return any(peer.address in one.addresses for one in members)


def admits(rule: Rule, packet: Packet, peer: Peer, account: Account, vpc: str) -> bool:
    """A rule that names a group holds for packets straight from a member, or straight to one.

    https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html#security-group-referencing
    """
    if not speaks_of(rule, packet):
        return False
    if rule.group:
        straight = peer.interface is not None and peer.address in peer.interface.addresses
        return straight and names(rule, peer, account, vpc)
    return any(peer.address in cidr for cidr in rule.cidrs)


def ports_in_words(rule: Rule | Entry) -> str:
    """`tcp 22`, `tcp 8000-8010`, `icmp 8`, `all`."""
    first, last = rule.first, rule.last
    if rule.protocol == "-1":
        return "all"
    if first is None or first == ANY:
        return rule.protocol
    if rule.protocol == "icmp":
        return f"icmp {first}" if last in (None, ANY) else f"icmp {first}/{last}"
    return f"{rule.protocol} {first}" if last in (None, first) else f"{rule.protocol} {first}-{last}"


def rule_in_words(rule: Rule, account: Account) -> str:
    """`tcp 80 0.0.0.0/0`; the direction is said before."""
    name = next((one.name for one in account.groups if one.id == rule.group), "")
    return f"{ports_in_words(rule)} {rule.peer}{f' ({name})' if name else ''}"


def judge_groups(account: Account, nic: Interface, packet: Packet, peer: Peer, egress: bool) -> Decision:
    """The union of the interface's groups admits, or nothing does.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
    """
    word = "egress" if egress else "ingress"
    own = [one for one in account.groups if one.id in nic.groups]
    rules = [(group, rule) for group in own for rule in (group.egress if egress else group.ingress)]
    for group, rule in rules:
        if admits(rule, packet, peer, account, nic.vpc):
            return Decision(group.label, f"{word} {rule_in_words(rule, account)}")
    component = ", ".join(group.label for group in own) or nic.label
    if not rules:
        return Decision(component, f"no {word} rule at all", codes.SG_HAS_NO_RULES)
    if any(speaks_of(rule, packet) and names(rule, peer, account, nic.vpc) for _, rule in rules):
        said = f"{word} rule names the group of {peer.address}, which does not count on a detour by another machine"
        return Decision(component, said, codes.SG_REFERENCES_NOT_PRESERVED)
    return Decision(component, f"no {word} rule admits it", codes.ENI_SG_RULES_MISMATCH)


def judge_acl(account: Account, subnet: str, packet: Packet, egress: bool) -> Decision | None:
    """The lowest number that matches decides; what none matches is denied; replies are judged like requests.

    https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
    """
    acl = next((one for one in account.acls if subnet in one.subnets), None)
    if acl is None:
        return None
    word = "egress" if egress else "ingress"
    entry = deciding_entry(acl, packet, egress)
    if entry is None:
        return Decision(acl.id, f"no {word} entry allows it", codes.SUBNET_ACL_RESTRICTION)
    said = f"{word} entry {entry.number} {'allows' if entry.allow else 'denies'} {ports_in_words(entry)} {entry.cidr}"
    return Decision(acl.id, said, "" if entry.allow else codes.SUBNET_ACL_RESTRICTION)


def deciding_entry(acl: Acl, packet: Packet, egress: bool) -> Entry | None:
    """The CIDR is where the packet goes to, on its way out, or where it comes from."""
    address = packet.target if egress else packet.source
    for entry in sorted(acl.entries, key=lambda one: one.number):
        if entry.egress is not egress or address not in entry.cidr:
            continue
        # A denial of only some of the ports that the client may have makes the answer uncertain: it counts.
        if speaks_of(entry, packet) or (not entry.allow and overlaps(entry, packet)):
            return entry
    return None
