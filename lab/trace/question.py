"""From a question in words to its answer: the only thing that others call."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.errors import LabError
from lab.model import Model
from lab.trace.codes import Code
from lab.trace.path import ECHO_REQUEST, PORT_PROTOCOLS, REPLY_TYPES, Packet, Trace
from lab.trace.places import Place, find, target_address
from lab.trace.walk import Dropped, Settled, Walk

HIGHEST_PORT = 65535


class BadService(LabError):
    """What was asked for is no service of TCP, UDP or ICMP."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(
            f"{' '.join(words) or 'nothing'} names no service",
            hint="say 443, tcp 443, udp 53, icmp, or icmp 8/0 (type and code)",
        )


@dataclass(frozen=True)
class Service:
    """A protocol and its port; for ICMP the type and the code."""

    protocol: str
    port: int = 0
    icmp: tuple[int, int] = (ECHO_REQUEST, 0)

    @classmethod
    def parse(cls, words: list[str]) -> Service:
        """`443`, `tcp 443`, `udp 53`, `icmp`, `icmp 8/0`."""
        protocol, number = ("tcp", words[0]) if len(words) == 1 and words[0].isdigit() else (*words, "", "")[:2]
        if len(words) > 2:
            raise BadService(words)
        try:
            if protocol == "icmp":
                kind, _, code = (number or str(ECHO_REQUEST)).partition("/")
                return cls(protocol, icmp=(int(kind), int(code or 0)))
            if protocol in PORT_PROTOCOLS and 0 < int(number) <= HIGHEST_PORT:
                return cls(protocol, int(number))
        except ValueError:
            pass
        raise BadService(words)


def trace(
    model: Model, source: str, target: str, service: Service, *, masquerading: frozenset[str] | None = None
) -> Trace:
    """Follow a packet from a place to a service at another, and the reply back.

    `masquerading` are the instances known to translate for others; without it that is assumed, and said.
    """
    start = find(model, source)
    end = find(model, target, near=start)
    question = f"{source} -> {target} {service.protocol}{f' {service.port}' if service.port else ''}"
    walk = Walk(model, masquerading)
    seen_as: IPv4Address | None = None
    try:
        packet = _first_packet(walk, start, end, service)
        arrived = walk.leave(start.vpc, start.nic, packet) if start.vpc and start.nic else walk.arrive_outside(packet)
        seen_as = arrived.source
        if service.protocol != "icmp" or service.icmp[0] in REPLY_TYPES:
            _come_back(walk, packet, arrived)
    except (Dropped, Settled):
        pass  # the last step says it
    return Trace(question, tuple(walk.steps), seen_as, tuple(walk.assumptions))


def _first_packet(walk: Walk, start: Place, end: Place, service: Service) -> Packet:
    """What the sender sends; some places cannot be addressed at all."""
    address = target_address(start, end)
    sender = start.nic.private_ip if start.nic else start.address
    packet = Packet(sender, address or end.address, service.protocol, service.port, icmp=service.icmp)
    if start.nic and end.nic and start.nic.id == end.nic.id and address == sender:
        walk.decide(packet, walk.label(start.nic), "talks to itself: the packet never leaves the machine")
        raise Settled
    if end.nic and not walk.is_up(end.nic):
        walk.decide(packet, walk.label(end.nic), f"the instance is {walk.state(end.nic)}", Code.BAD_STATE)
    if address is None and end.vpc:
        code = Code.DISCONNECTED_VPCS if start.vpc else Code.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS
        walk.decide(packet, end.vpc.gateway_id or end.vpc.id, f"{end.words} has no public address", code)
    ours = end.nic is not None or any(one.public_ip == packet.target for one in walk.model.addresses)
    if start.nic is None and not ours:
        walk.decide(packet, "internet", "neither end is in a VPC of this account", Code.UNASSOCIATED_COMPONENT)
    if start.nic is None and end.nic and packet.target == end.nic.private_ip:
        said = "nobody outside the VPC knows a private address"
        walk.decide(packet, "internet", said, Code.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS)
    return packet


def _come_back(walk: Walk, packet: Packet, arrived: Packet) -> None:
    """The reply starts where the request arrived, and must come from where the sender has sent to."""
    walk.leg = "reply"
    reply = arrived.reply()
    if walk.receiver:
        back = walk.leave(*walk.receiver, reply)
    elif walk.endpoint_user:
        back = walk.from_endpoint(reply)
    else:
        back = walk.arrive_outside(reply)
    if (back.source, back.target) != (packet.target, packet.source):
        said = f"expects it from {packet.target}"
        walk.decide(back, "the sender", said, Code.REPLY_FROM_ANOTHER_ADDRESS)
