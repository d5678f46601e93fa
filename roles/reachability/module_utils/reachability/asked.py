"""Which path each row of the matrix means, and what the API says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .model import OTHER, OUTSIDE, Cell
from .paths import places, question
from .paths.account import Account, Interface
from .paths.packet import Path, PathError, Service
from .probe import is_askable

OPTIONAL = ("isolated", "s3", "database", "balancer", "application")


def exists(cell: Cell, account: Account) -> bool:
    """A row about a place that this environment does not have says nothing."""
    if cell.source == OTHER:
        return bool(neighbours(account))
    optional = [end for end in (cell.source, cell.target) if end in OPTIONAL]
    tiers = {one.tier for one in account.subnets if places.own(account, one.vpc)}
    tiers |= {one.tier for one in account.interfaces if places.own(account, one.vpc)}
    return all(end in tiers or end in account.services for end in optional)


def neighbours(account: Account) -> list[Interface]:
    """Machines of this service in other environments; first those that an operator enters without a detour."""
    instances = [one for one in account.interfaces if one.owner.startswith("i-") and one.tier and one.is_up]
    found = [one for one in instances if not places.own(account, one.vpc)]
    return sorted(found, key=lambda one: (one.public is None, one.name, one.id))


def address_from(account: Account, near: Interface, target: Interface) -> ipaddress.IPv4Address | None:
    """How a machine of another environment addresses one of ours: by its private address.

    Where its own VPC has the same range, that address means a machine of its own, and ours has its public one only.
    """
    meant_here = any(target.address in cidr for cidr in account.vpc(near.vpc).cidrs)
    return target.public if meant_here else target.address


def neighbour(account: Account) -> dict[str, Any]:
    """The machine of another environment that asks, and what it knows ours by; empty where there is none."""
    found = neighbours(account)
    if not found:
        return {}
    ours = {one.tier: one for one in account.interfaces if one.tier and one.is_up and places.own(account, one.vpc)}
    addresses = {tier: address_from(account, found[0], one) for tier, one in ours.items()}
    return {"name": found[0].name, "addresses": {tier: str(one or "") for tier, one in addresses.items()}}


def operator_address(seen: str, admin_cidrs: list[str]) -> ipaddress.IPv4Address:
    """As whom SSH sees the operator, if that is one who is meant; else the first who is."""
    cidrs = [ipaddress.ip_network(one) for one in admin_cidrs if ":" not in one]
    try:
        address = ipaddress.IPv4Address(seen)
    except ValueError:
        address = places.ANYBODY
    if any(address in cidr for cidr in cidrs) or not cidrs:
        return address
    return ipaddress.IPv4Address(cidrs[0][0])


def place_of(account: Account, words: str, near: places.Place | None = None) -> places.Place:
    """Of the machines behind a load balancer any one stands for all: they are made alike."""
    alike = [one for one in places.machines(account, words) if words == "application" and one.is_up]
    return places.Place(words, alike[0], alike[0].address) if alike else places.find(account, words, near)


def ends(
    cell: Cell, account: Account, operator: ipaddress.IPv4Address, resolved: Mapping[str, str]
) -> tuple[places.Place, places.Place] | None:
    """Source and target; None where one of them is not there."""
    try:
        if cell.source in OUTSIDE:
            source = places.Place(cell.source, address=operator if cell.source == "operator" else places.ANYBODY)
        elif cell.source == OTHER:
            nic = neighbours(account)[0]
            source = places.Place(cell.source, nic, nic.address)
        else:
            source = place_of(account, cell.source)
        target = place_of(account, cell.target, source)
    except PathError:
        return None
    if cell.source == OTHER and source.nic and target.nic:
        known = address_from(account, source.nic, target.nic)
        if known == target.nic.address:
            # An address and no more: it is nobody's over there.
            target = places.Place(cell.target, address=known, literal=True)
    address = resolved.get(cell.target, "")
    # A private address behind a public name is a fault of the name's, and no question about the network.
    if address and target.nic is None and (cell.target != places.INTERNET or is_askable("internet", address)):
        target = replace(target, address=ipaddress.IPv4Address(address))
    return source, target


def declared_paths(
    matrix: list[Cell],
    account: Account,
    operator: ipaddress.IPv4Address,
    resolved: Mapping[str, Mapping[str, Any]],
) -> dict[str, Path]:
    """The path of each row by its name; `resolved` is what each vantage point found behind the names."""
    paths = {}
    for cell in matrix:
        found = ends(cell, account, operator, resolved.get(cell.source, {}))
        if found:
            paths[cell.name] = question.follow(account, *found, Service(cell.protocol, cell.port))
    return paths
