"""What a person means by src and dst: a tier, a name, an id, an address, or the internet."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from .account import Account, Interface, Subnet
from .packet import PathError

INTERNET = "internet"
RESOLVER = "resolver"
# Somebody out there; from the documentation range (RFC 5737), so it is nobody's.
ANYBODY = IPv4Address("203.0.113.1")


@dataclass(frozen=True)
class Place:
    """An interface, or an address outside of all."""

    words: str
    nic: Interface | None = None
    address: IPv4Address = ANYBODY
    literal: bool = False  # given as an address, so not to be replaced by another one of the same machine


def find(account: Account, words: str, near: Place | None = None) -> Place:
    """The place that is meant; an error names the choices."""
    if words == INTERNET:
        return Place(words)
    if words == RESOLVER and near and near.nic:
        return Place(words, address=account.vpc(near.nic.vpc).resolver, literal=True)
    if account.services.get(words):
        return Place(words, address=account.services[words][0][1], literal=True)
    try:
        return by_address(account, words, IPv4Address(words), near)
    except AddressValueError:
        pass
    found = machines(account, words)
    found = [one for one in found if one.is_up] or found
    if len({one.owner for one in found}) > 1:
        raise PathError(f"{words} is several machines: {', '.join(sorted(one.owner for one in found))}. Give one id.")
    if found:
        return Place(words, found[0], found[0].address)
    subnet = next((one for one in account.subnets if is_called(account, one, words)), None)
    if subnet:
        nic = somebody_in(subnet)
        return Place(words, nic, nic.address)
    raise PathError(f"Nothing is called {words or '(empty)'}. There are: {', '.join(choices(account))}.")


def own(account: Account, vpc: str) -> bool:
    """Whether a VPC belongs to the environment that is asked about; without one, all do."""
    return not account.environment or account.vpc(vpc).environment == account.environment


def machines(account: Account, words: str) -> list[Interface]:
    """A tier of this environment (`private`) or of another (`alpha/private`), a Name tag, or an id."""
    environment, _, tier = words.rpartition("/")
    by_tier = [
        one
        for one in account.interfaces
        if one.tier == tier
        and (account.vpc(one.vpc).environment == environment if environment else own(account, one.vpc))
    ]
    named = [one for one in account.interfaces if words in (one.name, one.owner, one.id)]
    return by_tier or named


def is_called(account: Account, subnet: Subnet, words: str) -> bool:
    return words in (subnet.id, subnet.name) or (subnet.tier == words and own(account, subnet.vpc))


def somebody_in(subnet: Subnet) -> Interface:
    """A machine that is not there, to ask what its subnet would do with it: no group is asked."""
    name = f"a machine in {subnet.name or subnet.id}"
    return Interface("nobody", subnet.vpc, subnet.id, (subnet.cidr[-6],), name=name, tier=subnet.tier, assumed=True)


def choices(account: Account) -> list[str]:
    """Everything that has a name."""
    tiers = {one.tier for one in account.interfaces if one.tier and own(account, one.vpc)}
    tiers |= {one.tier for one in account.subnets if one.tier and own(account, one.vpc)}
    named = {one.name for one in account.interfaces if one.owner and one.name}
    words = [INTERNET, *sorted(tiers), RESOLVER, *sorted(account.services), *sorted(named)]
    return [*words, "an instance, interface or subnet id", "an IPv4 address"]


def by_address(account: Account, words: str, address: IPv4Address, near: Place | None) -> Place:
    private = [one for one in account.interfaces if address in one.addresses]
    if near and near.nic:
        # What another VPC calls by the same address is not meant.
        private = [one for one in private if one.vpc == near.nic.vpc]
    if len(private) > 1:
        raise PathError(f"{words} is an address in several VPCs. Give a name or an id.")
    nic = private[0] if private else account.holder(address)
    return Place(words, nic, address, literal=True)


def target_address(source: Place, target: Place) -> IPv4Address | None:
    """What the source would use: the private address inside a VPC, the public one from elsewhere."""
    if target.literal or target.nic is None:
        return target.address
    if source.nic and source.nic.vpc == target.nic.vpc:
        return target.nic.address
    return target.nic.public
