"""What the control plane must know of moto's account beyond the model that the data plane is compiled from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from moto.backends import get_backend
from moto.ec2.models.instance_types import INSTANCE_TYPES

from lab.api.quotas import Quotas
from lab.config import ACCOUNT
from lab.model import Model
from lab.observe import ec2_backend, observe

# These families share one quota: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html
STANDARD_FAMILIES = "acdhimrtz"
# A stopped machine uses no vCPU of the quota.
COUNTED_STATES = ("pending", "running")


@dataclass(frozen=True)
class Machine:
    """An instance as the quotas and the life cycle see it; the terminated ones are still there for an hour."""

    state: str
    instance_type: str
    spot: bool = False

    @property
    def counted(self) -> bool:
        return self.state in COUNTED_STATES and not self.spot


@dataclass(frozen=True)
class Mapping:
    """A network interface of whatever owner: an instance, a NAT gateway, an endpoint, or nobody yet."""

    id: str
    vpc_id: str
    subnet_id: str
    private_ip: IPv4Address
    group_ids: tuple[str, ...] = ()
    public: bool = False
    attached: bool = False
    secondary_ips: tuple[IPv4Address, ...] = ()

    @property
    def addresses(self) -> tuple[IPv4Address, ...]:
        return (self.private_ip, *self.secondary_ips)


@dataclass(frozen=True)
class Account:
    """One region at one moment."""

    model: Model
    quotas: Quotas = field(default_factory=Quotas)
    machines: dict[str, Machine] = field(default_factory=dict)
    interfaces: tuple[Mapping, ...] = ()
    key_names: frozenset[str] = frozenset()
    gateways: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    architectures: dict[str, str] = field(default_factory=dict)  # of the images
    profiles: frozenset[str] = frozenset()

    @property
    def used(self) -> dict[str, int]:
        running = [one.instance_type for one in self.machines.values() if one.counted]
        return {
            "addresses": len(self.model.addresses),
            "vpcs": len(self.model.vpcs),
            "vcpus": standard_vcpus(running),
        }


def standard_vcpus(instance_types: Iterable[str]) -> int:
    """The vCPUs that count against the quota of the standard families."""
    return sum(
        int(INSTANCE_TYPES[one]["VCpuInfo"]["DefaultVCpus"])
        for one in instance_types
        if one in INSTANCE_TYPES and one[0] in STANDARD_FAMILIES
    )


def is_region(region: str) -> bool:
    """Whether moto knows a region of that name."""
    return region in get_backend("ec2")[ACCOUNT].regions


def account(region: str, quotas: Quotas) -> Account:
    """Read one region of moto's account."""
    backend = ec2_backend(region)
    instances = [one for reservation in list(backend.reservations.values()) for one in reservation.instances]
    return Account(
        model=observe(region),
        quotas=quotas,
        machines={one.id: Machine(one.state, one.instance_type, one.lifecycle == "spot") for one in instances},
        interfaces=tuple(_mapping(nic) for nic in list(backend.enis.values())),
        key_names=frozenset(backend.key_pairs),
        gateways=frozenset(backend.internet_gateways),
        zones=frozenset(zone.name for zone in backend.describe_availability_zones()),
        architectures={one.id: one.architecture for one in list(backend.amis.values())},
        profiles=frozenset(one.name for one in list(get_backend("iam")[ACCOUNT]["aws"].instance_profiles.values())),
    )


def _mapping(nic: Any) -> Mapping:
    return Mapping(
        id=nic.id,
        vpc_id=nic.vpc_id,
        subnet_id=nic.subnet.id,
        private_ip=IPv4Address(nic.private_ip_address),
        group_ids=tuple(sorted(group.id for group in nic.group_set)),
        public=bool(nic.public_ip),
        attached=nic.status == "in-use",
        secondary_ips=tuple(IPv4Address(one["PrivateIpAddress"]) for one in nic.private_ip_addresses),
    )
