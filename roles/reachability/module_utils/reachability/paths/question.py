"""From a question in words to its path: what the others call."""

from __future__ import annotations

from dataclasses import replace

from . import codes
from .account import Account
from .packet import Packet, Path, Service
from .places import Place, find, target_address
from .walk import Dropped, Settled, Walk


def explain(
    account: Account, source: str, target: str, service: Service, translating: frozenset[str] | None = None
) -> Path:
    """The path of a packet from one place to a service at another, and of its reply."""
    start = find(account, source)
    end = find(account, target, start)
    return follow(account, start, end, service, translating)


def follow(
    account: Account, start: Place, end: Place, service: Service, translating: frozenset[str] | None = None
) -> Path:
    """The same between places that are found already."""
    # A machine that is not there stands in the account while its path is followed.
    imagined = tuple(one.nic for one in (start, end) if one.nic and one.nic.assumed)
    walk = Walk(replace(account, interfaces=account.interfaces + imagined) if imagined else account, translating)
    walk.assumptions += [f"{one.name}: no group is asked, as there is none" for one in imagined]
    seen_as = None
    try:
        packet = first_packet(walk, start, end, service)
        arrived = walk.leave(start.nic, packet) if start.nic else walk.arrive_outside(packet)
        seen_as = arrived.source
        come_back(walk, packet, arrived)
    except (Dropped, Settled):
        pass  # the last step says it
    return Path(f"{start.words} -> {end.words} {service}", tuple(walk.steps), seen_as, tuple(walk.assumptions))


def first_packet(walk: Walk, start: Place, end: Place, service: Service) -> Packet:
    """What the sender sends; some places cannot be addressed at all."""
    address = target_address(start, end)
    sender = start.nic.address if start.nic else start.address
    packet = Packet(sender, address or end.address, service)
    if start.nic and end.nic and start.nic.id == end.nic.id and address == sender:
        walk.decide("interface", packet, start.nic.label, "talks to itself: the packet never leaves the machine")
        raise Settled
    if end.nic and not end.nic.is_up:
        walk.decide("interface", packet, end.nic.label, f"the machine is {end.nic.state}", codes.BAD_STATE)
    if address is None and end.nic:
        code = codes.DISCONNECTED_VPCS if start.nic else codes.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS
        component = walk.account.vpc(end.nic.vpc).gateway or end.nic.vpc
        walk.decide("gateway", packet, component, f"{end.words} has no public address", code)
    if start.nic is None and end.nic is None and packet.target not in walk.account.elastic:
        said = "neither end is in a VPC that was looked at"
        walk.decide("end", packet, "internet", said, codes.UNASSOCIATED_COMPONENT)
    if start.nic is None and end.nic and packet.target in end.nic.addresses:
        said = "nobody outside the VPC knows a private address"
        walk.decide("gateway", packet, "internet", said, codes.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS)
    return packet


def come_back(walk: Walk, packet: Packet, arrived: Packet) -> None:
    """The reply starts where the request arrived, and must come from where the sender has sent to."""
    reply = arrived.reply()
    if walk.receiver:
        back = walk.leave(walk.receiver, reply)
    elif walk.endpoint_user:
        back = walk.from_endpoint(reply)
    else:
        back = walk.arrive_outside(reply)
    if (back.source, back.target) != (packet.target, packet.source):
        said = f"the sender expects it from {packet.target}"
        walk.decide("end", back, "the sender", said, codes.REPLY_FROM_ANOTHER_ADDRESS)
