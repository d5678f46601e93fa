"""What AWS's documentation says must become of a packet: simple, slow, and sharing no code with the lab.

It reads the same drawings of worlds (tests/worlds.py) as the tests, but by itself, and carries one packet and its reply
from device to device. Each rule stands beside the page it is taken from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

CLIENT_PORT = 40000  # any one of Linux's; the worlds' ACLs treat them all alike
MOST_DEVICES = 20
RFC1918 = [IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16")]
OUTSIDE = "internet"
DEFAULT_ACL = ["egress 100 allow all 0.0.0.0/0", "ingress 100 allow all 0.0.0.0/0"]


network = cache(IPv4Network)


class Packet(NamedTuple):
    """For ICMP the target port is the type, and the source port the identifier."""

    source: IPv4Address
    source_port: int
    target: IPv4Address
    target_port: int
    protocol: str

    def answer(self) -> Packet:
        if self.protocol == "icmp":  # RFC 792: echo reply is type 0
            return Packet(self.target, self.source_port, self.source, 0, "icmp")
        return Packet(self.target, self.target_port, self.source, self.source_port, self.protocol)


class Undocumented(Exception):
    """What happens here is up to the operating system of a machine, not to AWS."""


class Lost(Exception):
    """The packet is dropped."""


@dataclass
class Machine:
    """A machine with one interface."""

    place: str  # "a/web"
    vpc: str
    spec: dict[str, Any]

    @cached_property
    def address(self) -> IPv4Address:
        return IPv4Address(self.spec["address"])

    @cached_property
    def addresses(self) -> list[IPv4Address]:
        return [self.address, *map(IPv4Address, self.spec.get("secondary", []))]

    @cached_property
    def publics(self) -> dict[IPv4Address, int]:
        """Which of its private addresses have a public one: its number in the pool."""
        primary = {self.address: self.spec["public"]} if "public" in self.spec else {}
        return primary | {IPv4Address(to): number for to, number in self.spec.get("secondary_public", {}).items()}

    @property
    def is_nat_gateway(self) -> bool:
        return self.place.endswith("/nat-gateway")


class Oracle:
    """Judges one world; `pool` is where `public: 16` is counted from, `stranger` the only host on the internet."""

    def __init__(self, world: dict[str, Any], pool: IPv4Network, stranger: IPv4Address) -> None:
        self.vpcs: dict[str, dict[str, Any]] = world["vpcs"]
        self.pool, self.stranger = pool, stranger
        # A machine that is off has no link: it sends, receives and forwards nothing.
        self.machines = [
            Machine(f"{vpc}/{name}", vpc, one)
            for vpc, spec in self.vpcs.items()
            for name, one in spec.get("machines", {}).items()
            if one.get("power", True)
        ]
        self.flows: set[tuple[str, Packet]] = set()
        self.translated: dict[tuple[str, Packet], Packet] = {}

    def ask(self, source: str, target: str, protocol: str, port: int) -> str | None:
        """Which address the target sees if packet and reply arrive; None if not. `source` is a place."""
        self.flows.clear()
        self.translated.clear()
        sender = self.machine(*source.split("/")) if source != OUTSIDE else None
        own = sender.address if sender else self.stranger
        number = 8 if protocol == "icmp" else port
        request = Packet(own, CLIENT_PORT, IPv4Address(target), number, protocol)
        try:
            receiver, arrived = self.carry(source, request)
            caller, back = self.carry(receiver, arrived.answer())
        except Lost:
            return None
        # The caller takes an answer only from where it asked.
        return str(arrived.source) if (caller, back) == (source, request.answer()) else None

    def carry(self, place: str, packet: Packet) -> tuple[str, Packet]:
        """From device to device, until somebody keeps the packet."""
        for _ in range(MOST_DEVICES):
            sender = next((one for one in self.machines if one.place == place), None)
            if sender is None and place != OUTSIDE:
                raise Lost
            receiver, packet = self.out_of(sender, packet) if sender else (self.outside(packet), packet)
            if receiver is None and sender is None:
                return OUTSIDE, packet
            if receiver is None:
                place = OUTSIDE
                continue
            if sender is None:
                numbers = {self.pool[number]: private for private, number in receiver.publics.items()}
                packet = packet._replace(target=numbers[packet.target])  # the gateway translates one to one
            self.stray(receiver, packet)
            self.into(receiver, packet, sender)
            kept = self.received(receiver, packet)
            if kept is None:
                return receiver.place, packet
            place, packet = receiver.place, kept
        raise Lost  # time to live exceeded

    # vpc/latest/userguide/VPC_Internet_Gateway.html
    def outside(self, packet: Packet) -> Machine | None:
        """On the internet: whose public address is that?"""
        for machine in self.machines:
            addresses = [self.pool[number] for number in machine.publics.values()]
            if packet.target in addresses and self.vpcs[machine.vpc].get("gateway"):
                return machine
        if packet.target != self.stranger:
            raise Lost
        return None

    def out_of(self, sender: Machine, packet: Packet) -> tuple[Machine | None, Packet]:
        """Out of a machine's interface, to another one or to the internet."""
        # vpc/latest/userguide/work-with-nat-instances.html#EIP_Disable_SrcDestCheck
        if sender.spec.get("check", True) and packet.source not in sender.addresses:
            raise Lost
        target = self.route(sender, packet)
        receiver = None if target == "gateway" else self.machine(sender.vpc, target)
        if target != "gateway" and receiver is None:
            self.group(sender, packet, packet.target, None, "egress")
            raise Lost  # API_Route: a black hole
        self.group(sender, packet, packet.target, receiver, "egress")
        if receiver and receiver.spec["subnet"] == sender.spec["subnet"]:
            return receiver, packet  # vpc-network-acls.html: an ACL is about what enters and leaves a subnet
        self.acl(sender, packet, "egress")
        if receiver:
            return receiver, packet
        # The gateway forwards what has a public address, under that address, and nothing for private ranges.
        # vpc/latest/reachability/explanation-codes.html, IGW_*
        holder = next((m for m in self.machines if m.vpc == sender.vpc and packet.source in m.publics), None)
        if holder is None or any(packet.target in one for one in RFC1918):
            raise Lost
        return None, packet._replace(source=self.pool[holder.publics[packet.source]])

    def machine(self, vpc: str, name: str) -> Machine | None:
        return next((one for one in self.machines if one.place == f"{vpc}/{name}"), None)

    def route(self, sender: Machine, packet: Packet) -> str:
        """The name of the target: gateway, or a machine.

        vpc/latest/userguide/route-tables-priority.html: the most specific route
        vpc/latest/userguide/subnet-route-tables.html: the subnet's own table, else the main one
        vpc/latest/userguide/gateway-route-tables.html: what stays in a subnet follows no table
        """
        vpc = self.vpcs[sender.vpc]
        direct = next(
            (m.place.partition("/")[2] for m in self.machines if m.vpc == sender.vpc and packet.target in m.addresses),
            "",
        )
        if packet.target in network(vpc["subnets"][sender.spec["subnet"]]):
            return direct
        tables = vpc.get("tables", {})
        own = [one for one in tables.values() if sender.spec["subnet"] in one.get("subnets", [])]
        table = own[0] if own else tables.get("main", {})
        routes = {network(to): str(target) for to, target in table.get("routes", {}).items()}
        routes |= {network(own): direct for own in (vpc["cidr"], *vpc.get("more_cidrs", []))}
        matching = [to for to in routes if packet.target in to]
        if not matching:
            return ""
        target = routes[max(matching, key=lambda to: to.prefixlen)]
        if target == "gateway" and not vpc.get("gateway"):
            return ""
        return target

    def stray(self, receiver: Machine, packet: Packet) -> None:
        """An echo reply that a route leads through a machine that never saw the request: no one's rule, and not judged.

        Linux passes it on as it came, and the lab's router knows the flow, since it tracks for all interfaces at once.
        """
        own = {packet.source, packet.target} & set(receiver.addresses)
        known = own or (receiver.place, packet) in self.translated
        if packet.protocol == "icmp" and packet.target_port == 0 and not known:
            raise Undocumented

    def into(self, receiver: Machine, packet: Packet, sender: Machine | None) -> None:
        """Into a machine's interface."""
        if sender is None or sender.spec["subnet"] != receiver.spec["subnet"]:
            self.acl(receiver, packet, "ingress")
        if receiver.spec.get("check", True) and packet.target not in receiver.addresses:
            raise Lost
        self.group(receiver, packet, packet.source, sender, "ingress")

    def received(self, receiver: Machine, packet: Packet) -> Packet | None:
        """What a machine makes of a packet: None if it keeps it, else what it sends on.

        vpc/latest/userguide/VPC_NAT_Instance.html
        """
        if original := self.translated.get((receiver.place, packet)):
            return original.answer()
        if packet.target in receiver.addresses and not receiver.is_nat_gateway:
            return None
        # vpc/latest/userguide/vpc-nat-gateway.html: it accepts no connection from outside
        forwards = receiver.spec.get("masquerade") or receiver.is_nat_gateway
        if receiver.address in (packet.source, packet.target) or not forwards:
            raise Lost
        after = packet._replace(source=receiver.address)
        self.translated[receiver.place, after.answer()] = packet
        return after

    # AWSEC2/latest/UserGuide/security-group-connection-tracking.html
    def group(self, machine: Machine, packet: Packet, peer: IPv4Address, other: Machine | None, way: str) -> None:
        """Stateful, per interface: the answer to what was admitted is admitted."""
        if (machine.place, packet) in self.flows or machine.is_nat_gateway:
            return  # groups cannot be given to a NAT gateway
        for name in machine.spec.get("groups", []):
            spec = self.vpcs[machine.vpc]["groups"][name]
            default = ["all 0.0.0.0/0"] if way == "egress" else []
            for rule in spec.get(way, default):
                if self.rule_admits(rule, machine.vpc, packet, peer, other):
                    self.flows.add((machine.place, packet.answer()))
                    return
        raise Lost

    # vpc/latest/userguide/security-group-rules.html
    def rule_admits(self, rule: str, vpc: str, packet: Packet, peer: IPv4Address, other: Machine | None) -> bool:
        words = rule.split()
        if not ports_match(words[:-1], packet):
            return False
        if words[-1][0].isdigit():
            return peer in network(words[-1])
        # A group stands for its members' private addresses. Through a middlebox a reference does not count.
        if other is None or peer not in other.addresses:
            return False
        return other.vpc == vpc and words[-1] in other.spec.get("groups", [])

    # vpc/latest/userguide/nacl-rules.html
    def acl(self, machine: Machine, packet: Packet, way: str) -> None:
        """Numbered, lowest first, no state; at the end all is denied."""
        for spec in self.vpcs[machine.vpc].get("acls", {}).values():
            if machine.spec["subnet"] not in spec["subnets"]:
                continue
            entries = [one.split() for one in spec.get("entries", DEFAULT_ACL)]
            for direction, _, action, *ports, cidr in sorted(entries, key=lambda words: int(words[1])):
                peer = packet.target if way == "egress" else packet.source
                if direction == way and peer in network(cidr) and ports_match(ports, packet):
                    if action == "allow":
                        return
                    raise Lost
            raise Lost


# AWSEC2/latest/APIReference/API_IpPermission.html
def ports_match(words: list[str], packet: Packet) -> bool:
    """`all`, `tcp`, `tcp 80`, `tcp 80-90`, `icmp`, `icmp -1`, `icmp 8`, `icmp 8/0`."""
    if words[0] == "all":
        return True
    if words[0] != packet.protocol:
        return False
    if len(words) == 1 or words[1] == "-1":
        return True
    if words[0] == "icmp":
        kind, _, code = words[1].partition("/")
        return int(kind) == packet.target_port and code in ("", "-1", "0")
    low, _, high = words[1].partition("-")
    return int(low) <= packet.target_port <= int(high or low)
