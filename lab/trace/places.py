"""What SRC and DST mean: a Name tag, an id, an address, or the internet."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from lab.errors import LabError
from lab.model import Interface, Model, Vpc

INTERNET = "internet"
# Somebody out there; from the documentation range (RFC 5737), so it is nobody's.
ANYBODY = IPv4Address("203.0.113.1")


@dataclass(frozen=True)
class Place:
    """An interface in a VPC, or an address outside of all."""

    words: str
    nic: Interface | None = None
    vpc: Vpc | None = None
    address: IPv4Address = ANYBODY
    literal: bool = False  # given as an address, so not to be replaced by another one of the same machine


class UnknownPlace(LabError):
    """A word that means nothing in this account, or several things."""


def find(model: Model, words: str, *, near: Place | None = None) -> Place:
    """The place that is meant; a private address that two VPCs have is looked for in the VPC of `near` first."""
    if words == INTERNET:
        return Place(words)
    try:
        return _by_address(model, words, IPv4Address(words), near)
    except AddressValueError:
        pass
    named = {one.id for one in model.instances if words in (one.id, one.name)}
    every = [(vpc, nic) for vpc in model.vpcs for nic in vpc.interfaces]
    found = [(vpc, nic) for vpc, nic in every if nic.instance_id in named or words in (nic.id, nic.instance_id)]
    if len({nic.instance_id for _, nic in found}) > 1:
        raise UnknownPlace(f"{words} is the name of several machines", hint="give an instance id or an address")
    if not found:
        raise UnknownPlace(f"nothing here is called {words}", hint="a Name tag, an id, an address, or internet")
    vpc, nic = min(found, key=lambda one: _position(model, one[1]))
    return Place(words, nic, vpc, nic.private_ip)


def _position(model: Model, nic: Interface) -> int:
    """The primary interface comes first."""
    instance = next((one for one in model.instances if one.id == nic.instance_id), None)
    order = instance.interface_ids if instance else (nic.id,)
    return order.index(nic.id) if nic.id in order else len(order)


def _by_address(model: Model, words: str, address: IPv4Address, near: Place | None) -> Place:
    every = [(vpc, nic) for vpc in model.vpcs for nic in vpc.interfaces]
    private = [(vpc, nic) for vpc, nic in every if address in nic.addresses]
    if near and near.vpc:
        # What another VPC calls by the same address is not meant.
        private = [(vpc, nic) for vpc, nic in private if vpc.id == near.vpc.id]
    if len(private) > 1:
        raise UnknownPlace(f"{words} is an address in several VPCs", hint="give a Name tag or an instance id")
    public = [(vpc, nic) for vpc, nic in every if address in [public for _, public in nic.mappings]]
    for vpc, nic in private or public:
        return Place(words, nic, vpc, address, literal=True)
    return Place(words, address=address, literal=True)


def target_address(source: Place, target: Place) -> IPv4Address | None:
    """The address that the source would use: the private one inside a VPC, the public one from elsewhere."""
    if target.literal or target.nic is None:
        return target.address
    if source.vpc and target.vpc and source.vpc.id == target.vpc.id:
        return target.nic.private_ip
    return target.nic.public_ip
