"""What the API says of a load balancer, as frozen values: all that its proxy and its checks ever see."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True)
class Check:
    """How a target group asks whether a target is well.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """

    path: str = "/"
    port: int | None = None  # None: the target's own
    interval_seconds: float = 30.0
    timeout_seconds: float = 5.0
    healthy_count: int = 5
    unhealthy_count: int = 2
    codes: frozenset[int] = frozenset({200})


@dataclass(frozen=True)
class Target:
    """One registered target; `address` is None while its machine does not run."""

    id: str
    port: int
    address: IPv4Address | None = None


@dataclass(frozen=True)
class TargetGroup:
    arn: str
    name: str
    check: Check
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Listener:
    """A port and what it does: forward to a target group, or answer by itself."""

    port: int
    forward: str = ""  # the name of a target group
    status: int = 503
    text: str = ""


@dataclass(frozen=True)
class Balancer:
    id: str
    name: str
    dns_name: str
    idle_seconds: int
    addresses: tuple[IPv4Address, ...]  # as its name resolves
    listeners: tuple[Listener, ...] = ()
    groups: tuple[TargetGroup, ...] = ()
