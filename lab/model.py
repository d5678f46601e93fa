"""What the API says should exist, as frozen values: the only thing the compiler ever sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

ANYWHERE = IPv4Network("0.0.0.0/0")
DATABASE_PREFIX = "db-"  # of the machines behind RDS's databases


@dataclass(frozen=True)
class Rule:
    """One permission of a security group: a protocol, its ports (or ICMP type and code), and one peer.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
    """

    protocol: str = "-1"  # tcp, udp, icmp, a number, or -1 for all
    from_port: int | None = None
    to_port: int | None = None
    cidr: IPv4Network | None = None
    group_id: str | None = None
    id: str = ""  # sgr-..., where the API told it


@dataclass(frozen=True)
class SecurityGroup:
    id: str
    vpc_id: str
    name: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Interface:
    """A network interface that is attached to an instance, or is the face of a NAT gateway."""

    id: str
    vpc_id: str
    subnet_id: str
    instance_id: str
    private_ip: IPv4Address
    mac: str
    public_ip: IPv4Address | None = None
    group_ids: tuple[str, ...] = ()
    source_dest_check: bool = True
    secondary_ips: tuple[IPv4Address, ...] = ()
    secondary_public: tuple[tuple[IPv4Address, IPv4Address], ...] = ()  # private and public of each
    device_index: int = 0

    @property
    def addresses(self) -> tuple[IPv4Address, ...]:
        """All its private addresses, the primary one first."""
        return (self.private_ip, *self.secondary_ips)

    @property
    def mappings(self) -> tuple[tuple[IPv4Address, IPv4Address], ...]:
        """Each private address that has a public one, with it."""
        return (*([(self.private_ip, self.public_ip)] if self.public_ip else []), *self.secondary_public)

    @property
    def is_nat_gateway(self) -> bool:
        """A NAT gateway has no security group and is never switched off."""
        return self.instance_id.startswith("nat-")

    @property
    def is_service(self) -> bool:
        """A NAT gateway or a load balancer: AWS's own, which nobody switches off."""
        return self.is_nat_gateway or self.instance_id.startswith("alb-")


@dataclass(frozen=True)
class Subnet:
    id: str
    vpc_id: str
    cidr: IPv4Network


@dataclass(frozen=True)
class Route:
    """A destination and the id of its target; a target that is gone makes it a black hole."""

    destination: IPv4Network
    target: str  # local, igw-..., eni-..., i-..., nat-..., vpce-...


@dataclass(frozen=True)
class RouteTable:
    id: str
    vpc_id: str
    main: bool
    subnet_ids: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class AclEntry:
    """One numbered line of a network ACL; lower numbers are asked first."""

    number: int
    allow: bool
    egress: bool
    protocol: str
    cidr: IPv4Network
    from_port: int | None = None
    to_port: int | None = None


@dataclass(frozen=True)
class NetworkAcl:
    id: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    entries: tuple[AclEntry, ...]


@dataclass(frozen=True)
class Address:
    """An Elastic IP address, mapped to an interface or idle."""

    allocation_id: str
    public_ip: IPv4Address
    interface_id: str | None = None


@dataclass(frozen=True)
class Instance:
    id: str
    name: str
    state: str
    image_id: str
    instance_type: str
    interface_ids: tuple[str, ...]
    public_key: str
    hostname: str
    image_name: str = ""
    made_from: str = ""  # the image of a machine whose disk it begins with

    @property
    def is_database(self) -> bool:
        """A machine of RDS: it has an interface in the VPC and no login."""
        return self.id.startswith(DATABASE_PREFIX)


@dataclass(frozen=True)
class Endpoint:
    """A name that AWS gives to an interface of its own: the private address inside the VPC.

    Outside it is the public one, where there is one.
    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
    """

    name: str
    vpc_id: str
    private_ip: IPv4Address
    public_ip: IPv4Address | None = None

    def seen_from(self, vpc_id: str) -> IPv4Address:
        return self.private_ip if vpc_id == self.vpc_id else self.public_ip or self.private_ip


@dataclass(frozen=True)
class Vpc:
    """One virtual private cloud with all that stands in it."""

    id: str
    name: str
    cidr: IPv4Network
    region: str
    gateway_id: str | None = None
    subnets: tuple[Subnet, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    route_tables: tuple[RouteTable, ...] = ()
    acls: tuple[NetworkAcl, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    secondary_cidrs: tuple[IPv4Network, ...] = ()

    @property
    def cidrs(self) -> tuple[IPv4Network, ...]:
        """All its ranges, the first one first.

        Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
        """
        return (self.cidr, *self.secondary_cidrs)

    def interface_of(self, target: str) -> Interface | None:
        """The attached interface that an `eni-...` or `i-...` target means, if it is there."""
        return next((nic for nic in self.interfaces if target in (nic.id, nic.instance_id)), None)

    def table_of(self, subnet_id: str) -> RouteTable | None:
        """The subnet's own route table, or the main one.

        Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
        """
        explicit = next((table for table in self.route_tables if subnet_id in table.subnet_ids), None)
        return explicit or next((table for table in self.route_tables if table.main), None)

    @property
    def resolver(self) -> IPv4Address:
        """VPC+2, the Amazon-provided resolver.

        Source: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
        """
        return self.cidr[2]


@dataclass(frozen=True)
class Model:
    """Everything in the account that the lab gives a body to."""

    vpcs: tuple[Vpc, ...] = ()
    instances: tuple[Instance, ...] = ()
    addresses: tuple[Address, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()

    def powered(self, instance_ids: frozenset[str]) -> Model:
        """The same account with only the interfaces of these instances: a machine without power has no link."""
        return replace(
            self,
            vpcs=tuple(
                replace(
                    vpc,
                    interfaces=tuple(
                        nic for nic in vpc.interfaces if nic.is_service or nic.instance_id in instance_ids
                    ),
                )
                for vpc in self.vpcs
            ),
        )
