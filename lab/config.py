"""Where a lab keeps its things and which addresses are its own: everything that follows from its name and slot."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

# RFC 2544 reserves this block for benchmarks of network devices: it is routed nowhere, so it cannot collide.
POOL = IPv4Network("198.18.0.0/15")
SLICE_PREFIX = 20
DEFAULT_NAME = "default"
DEFAULT_PORT = 4599
REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
FIRST_ROUTE_PROTOCOL = 210  # numbers above 192 belong to no routing daemon that `ip route` knows

RUN_ROOT = Path("/run/onebox-lab")
DISK_ROOT = Path("/var/lib/onebox-lab")
CACHE_ROOT = Path("/var/cache/onebox-lab")


@dataclass(frozen=True)
class LabConfig:
    """One lab among several on this machine; `slot` chooses its slice of the public pool."""

    name: str = DEFAULT_NAME
    port: int = DEFAULT_PORT
    slot: int = 0

    @property
    def run_dir(self) -> Path:
        return RUN_ROOT / self.name

    @property
    def disk_dir(self) -> Path:
        return DISK_ROOT / self.name

    def image_file(self, image_id: str) -> Path:
        """The disk behind an image that was made of a machine."""
        return self.disk_dir / "images" / f"{image_id}.img"

    @property
    def state_file(self) -> Path:
        return self.run_dir / "lab.json"

    @property
    def log_file(self) -> Path:
        return self.run_dir / "lab.log"

    @property
    def prefix(self) -> str:
        """Start of every namespace and interface name of this lab on the host."""
        return f"ob{self.slot}-"

    @property
    def pool(self) -> IPv4Network:
        return list(POOL.subnets(new_prefix=SLICE_PREFIX))[self.slot]

    @property
    def internet_address(self) -> IPv4Address:
        """The lab's internet itself: gateway of the operator, and the service that tells callers their address."""
        return self.pool[1]

    @property
    def operator_address(self) -> IPv4Address:
        """How the operator's own machine appears in the lab's internet."""
        return self.pool[2]

    @property
    def s3_network(self) -> IPv4Network:
        """The prefix list of S3 in this lab: the last part of the pool."""
        return list(self.pool.subnets(new_prefix=24))[-1]

    @property
    def s3_address(self) -> IPv4Address:
        return self.s3_network[1]

    @property
    def internet_namespace(self) -> str:
        return f"{self.prefix}internet"

    @property
    def operator_interface(self) -> str:
        return f"{self.prefix}operator"

    @property
    def route_protocol(self) -> str:
        """Marks this lab's routes in the host's table, so that a sweep finds them after a crash."""
        return str(FIRST_ROUTE_PROTOCOL + self.slot)

    @property
    def control_group(self) -> str:
        return f"onebox-lab-{self.name}"

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


SLOTS = 2 ** (SLICE_PREFIX - POOL.prefixlen)
