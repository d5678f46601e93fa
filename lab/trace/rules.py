"""Whether a rule of a group or an entry of a network ACL speaks of a packet, and how to say it in words."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.model import AclEntry, Interface, Rule, Vpc
from lab.trace.path import PORT_PROTOCOLS, Packet

ANY = -1


@dataclass(frozen=True)
class Peer:
    """The other side as an interface sees it: its address, and the interface that hands the packet over or takes it."""

    address: IPv4Address
    interface: Interface | None


def holds(nic: Interface, address: IPv4Address) -> bool:
    """Whether a private address is this interface's own."""
    return address in nic.addresses


def speaks_of_ports(rule: Rule | AclEntry, packet: Packet) -> bool:
    """Whether protocol and ports match; where the client's port is not known, all that it may be must.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
    """
    if rule.protocol == "-1":
        return True
    if rule.protocol != packet.protocol:
        return False
    first, last = rule.from_port, rule.to_port
    if first is None or first == ANY:
        return True
    if packet.protocol == "icmp":
        return packet.icmp[0] == first and last in (None, ANY, packet.icmp[1])
    ports = packet.target_ports
    return first <= ports[0] and ports[-1] <= (first if last is None else last)


def overlaps(rule: Rule | AclEntry, packet: Packet) -> bool:
    """Whether it speaks of some of the ports that the packet may be sent to."""
    if rule.protocol != packet.protocol or rule.protocol not in PORT_PROTOCOLS or rule.from_port is None:
        return False
    last = rule.from_port if rule.to_port is None else rule.to_port
    return rule.from_port <= packet.target_ports[-1] and packet.target_ports[0] <= last


def names_peer(rule: Rule, peer: Peer, vpc: Vpc) -> bool:
    """Whether the rule names a group, and the peer's address is one of its members'."""
    members = (nic for nic in vpc.interfaces if rule.group_id in nic.group_ids)
    return any(holds(nic, peer.address) for nic in members)


def admits(rule: Rule, packet: Packet, peer: Peer, vpc: Vpc) -> bool:
    """Whether a rule of a group admits a packet.

    A rule that names a group means its members' private addresses, and holds only for packets straight from a member
    or straight to one: through a machine in between, references are lost.
    Source: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html#security-group-referencing
    """
    if not speaks_of_ports(rule, packet):
        return False
    if rule.group_id:
        straight = peer.interface is not None and holds(peer.interface, peer.address)
        return straight and names_peer(rule, peer, vpc)
    return rule.cidr is not None and peer.address in rule.cidr


def _ports_in_words(rule: Rule | AclEntry) -> str:
    """`tcp 22`, `tcp 8000-8010`, `icmp 8/0`, `all`."""
    first, last = rule.from_port, rule.to_port
    if rule.protocol == "-1":
        return "all"
    if first is None or first == ANY:
        return rule.protocol
    if rule.protocol == "icmp":
        return f"icmp {first}" if last in (None, ANY) else f"icmp {first}/{last}"
    return f"{rule.protocol} {first}" if last in (None, first) else f"{rule.protocol} {first}-{last}"


def rule_in_words(rule: Rule, vpc: Vpc) -> str:
    """`sgr-1: tcp 80 0.0.0.0/0`; the id only where the model has it."""
    peer = str(rule.cidr)
    if rule.group_id:
        name = next((one.name for one in vpc.groups if one.id == rule.group_id), "")
        peer = f"{rule.group_id} ({name})" if name else rule.group_id
    return f"{rule.id + ': ' if rule.id else ''}{_ports_in_words(rule)} {peer}"


def acl_entry_in_words(entry: AclEntry) -> str:
    """`100: allow tcp 22 0.0.0.0/0`."""
    return f"{entry.number}: {'allow' if entry.allow else 'deny'} {_ports_in_words(entry)} {entry.cidr}"
