"""One VPC -> the routing rules and tables of its router."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.compile.names import ENDPOINT_INTERFACE, GATEWAY_INTERFACE, GATEWAY_INTERNET_END, short, table_number
from lab.model import Interface, Route, RouteTable, Vpc

MAIN = 254
NEIGHBOUR_PRIORITY = 199
INTERFACE_PRIORITY = 200


@dataclass(frozen=True, order=True)
class KernelRoute:
    """`ip route` arguments: identified by table and destination, described by the rest."""

    table: int
    destination: str  # "10.1.0.0/16", or with a type in front: "throw 10.1.0.0/16"
    via: str = ""

    @property
    def key(self) -> tuple[int, str]:
        return (self.table, self.destination.rpartition(" ")[2])

    def arguments(self) -> str:
        return f"{self.destination} {self.via} table {self.table}".replace("  ", " ")


@dataclass(frozen=True, order=True)
class KernelRule:
    """`ip rule` arguments."""

    priority: int
    selector: str

    def arguments(self) -> str:
        return f"priority {self.priority} {self.selector}"


@dataclass(frozen=True)
class Routing:
    rules: frozenset[KernelRule]
    routes: frozenset[KernelRoute]


def compile_routing(vpc: Vpc) -> Routing:
    """Return every rule and route of the VPC's router."""
    tables = {table.id: table for nic in vpc.interfaces if (table := vpc.table_of(nic.subnet_id))}
    routes = {*_main_table(vpc), *(route for table in tables.values() for route in _table(vpc, table))}
    return Routing(rules=frozenset(_rules(vpc)), routes=frozenset(routes))


def _rules(vpc: Vpc) -> Iterator[KernelRule]:
    for nic in vpc.interfaces:
        table = vpc.table_of(nic.subnet_id)
        if not table:
            continue
        yield KernelRule(INTERFACE_PRIORITY, f"iif {short(nic.id)} lookup {table_number(table.id)}")
        # Tables apply to what leaves a subnet; neighbours reach each other whatever stands there.
        # Source: https://docs.aws.amazon.com/vpc/latest/userguide/gateway-route-tables.html
        own = next(one.cidr for one in vpc.subnets if one.id == nic.subnet_id)
        if any(
            own.overlaps(one.destination) and one.destination.prefixlen > vpc.cidr.prefixlen for one in table.routes
        ):
            yield KernelRule(NEIGHBOUR_PRIORITY, f"iif {short(nic.id)} to {own} lookup {MAIN}")


def _main_table(vpc: Vpc) -> Iterator[KernelRoute]:
    """Every interface by its address; the rest of the VPC's prefix does not exist."""
    yield from (KernelRoute(MAIN, f"blackhole {cidr}") for cidr in vpc.cidrs)
    for nic in vpc.interfaces:
        for address in nic.addresses:
            yield KernelRoute(MAIN, f"{address}/32", f"dev {short(nic.id)}")


def _table(vpc: Vpc, table: RouteTable) -> Iterator[KernelRoute]:
    """The most specific route wins; what no route matches is dropped without a word.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html
    """
    number = table_number(table.id)
    routes = [_route(vpc, route, number) for route in table.routes if route.target != "local"]
    yield from (KernelRoute(number, f"throw {cidr}") for cidr in vpc.cidrs)
    yield from routes
    if not any(route.key[1] == "0.0.0.0/0" for route in routes):
        yield KernelRoute(number, "blackhole 0.0.0.0/0")


def _route(vpc: Vpc, route: Route, number: int) -> KernelRoute:
    if route.target == vpc.gateway_id:
        return KernelRoute(number, str(route.destination), f"via {GATEWAY_INTERNET_END} dev {GATEWAY_INTERFACE} onlink")
    if route.target.startswith("vpce-"):
        link = f"via {GATEWAY_INTERNET_END} dev {ENDPOINT_INTERFACE} onlink"
        return KernelRoute(number, str(route.destination), link)
    nic: Interface | None = vpc.interface_of(route.target)
    if nic is None:
        return KernelRoute(number, f"blackhole {route.destination}")
    return KernelRoute(number, str(route.destination), f"via {nic.private_ip} dev {short(nic.id)} onlink")
