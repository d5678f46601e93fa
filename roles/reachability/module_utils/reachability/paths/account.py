"""What the API says about the network of one account, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True)
class Rule:
    """One permission of a security group with one peer: a range, several (a prefix list), or a group."""

    protocol: str  # tcp, udp, icmp, a number, or -1 for all
    first: int | None
    last: int | None
    cidrs: tuple[IPv4Network, ...]
    peer: str  # as it is written: 0.0.0.0/0, sg-1, pl-1
    group: str = ""


@dataclass(frozen=True)
class Group:
    id: str
    name: str
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]

    @property
    def label(self) -> str:
        return f"{self.id} ({self.name})"


@dataclass(frozen=True)
class Entry:
    """One numbered line of a network ACL."""

    number: int
    allow: bool
    egress: bool
    protocol: str
    first: int | None
    last: int | None
    cidr: IPv4Network


@dataclass(frozen=True)
class Acl:
    id: str
    subnets: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Route:
    """`destination` is as it is written; `networks` what it stands for."""

    destination: str
    networks: tuple[IPv4Network, ...]
    target: str
    active: bool = True


@dataclass(frozen=True)
class Table:
    id: str
    vpc: str
    main: bool
    subnets: tuple[str, ...]
    routes: tuple[Route, ...]
    name: str = ""


@dataclass(frozen=True)
class Subnet:
    id: str
    vpc: str
    cidr: IPv4Network
    name: str = ""
    tier: str = ""


@dataclass(frozen=True)
class Vpc:
    id: str
    cidrs: tuple[IPv4Network, ...]
    gateway: str = ""  # the internet gateway attached to it
    environment: str = ""
    resolves: bool = True  # enableDnsSupport

    @property
    def resolver(self) -> IPv4Address:
        """VPC+2. https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"""
        return self.cidrs[0][2]


@dataclass(frozen=True)
class Interface:
    """A network interface; `owner` is an instance, a NAT gateway, or nothing the API tells of."""

    id: str
    vpc: str
    subnet: str
    addresses: tuple[IPv4Address, ...]  # private ones, the primary first
    mapped: tuple[tuple[IPv4Address, IPv4Address], ...] = ()  # private and public of each that has one
    groups: tuple[str, ...] = ()
    check: bool = True
    owner: str = ""
    name: str = ""
    tier: str = ""
    state: str = "running"
    assumed: bool = False  # a machine that is not there: only the subnet is asked

    @property
    def address(self) -> IPv4Address:
        return self.addresses[0]

    @property
    def public(self) -> IPv4Address | None:
        """That of the primary address."""
        return dict(self.mapped).get(self.address)

    @property
    def is_nat_gateway(self) -> bool:
        return self.owner.startswith("nat-")

    @property
    def is_up(self) -> bool:
        return self.state in ("pending", "running", "available")

    @property
    def label(self) -> str:
        return f"{self.id} ({self.name or self.owner})" if self.name or self.owner else self.id


@dataclass(frozen=True)
class Account:
    """Everything that decides about packets; `environment` is whose words `public` and `private` are."""

    environment: str = ""
    vpcs: tuple[Vpc, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    tables: tuple[Table, ...] = ()
    acls: tuple[Acl, ...] = ()
    groups: tuple[Group, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    elastic: tuple[IPv4Address, ...] = ()  # associated or not
    services: dict[str, tuple[IPv4Network, ...]] = field(default_factory=dict)  # s3: its ranges

    def vpc(self, identity: str) -> Vpc:
        return next(one for one in self.vpcs if one.id == identity)

    def subnet(self, identity: str) -> Subnet:
        return next(one for one in self.subnets if one.id == identity)

    def inside(self, vpc: str) -> list[Interface]:
        return [one for one in self.interfaces if one.vpc == vpc]

    def holder(self, public: IPv4Address) -> Interface | None:
        """The interface that a public address leads to."""
        return next((one for one in self.interfaces if public in [outer for _, outer in one.mapped]), None)

    def table_of(self, subnet: Subnet) -> Table | None:
        """Its own, else the main one. https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html"""
        own = [one for one in self.tables if subnet.id in one.subnets]
        main = [one for one in self.tables if one.vpc == subnet.vpc and one.main]
        return next(iter(own or main), None)
