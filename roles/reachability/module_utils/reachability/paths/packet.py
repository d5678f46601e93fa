"""The packet, the decisions about it, and the path they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any

# The client's own port is not known beforehand; Linux takes one of these.
# https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range)
CLIENT_PORTS = range(32768, 61000)
WITH_PORTS = ("tcp", "udp")
ECHO_REQUEST, ECHO_REPLY = 8, 0
HIGHEST_PORT = 65535


class PathError(ValueError):
    """A question that cannot be asked; the message says what can."""


@dataclass(frozen=True)
class Service:
    """A protocol, and its port where it has ports."""

    protocol: str = "tcp"
    port: int = 0

    @classmethod
    def parse(cls, protocol: str, port: Any) -> Service:
        """From what a person types; port 0 or nothing means none."""
        if protocol == "icmp":
            return cls(protocol)
        text = str(port or "")
        if protocol not in WITH_PORTS:
            raise PathError(
                f"protocol={protocol} cannot be asked about. There are tcp, udp and icmp (an echo request)."
            )
        if not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
            raise PathError(f"port={text or '(none)'} is no port of {protocol}. Give one from 1 to {HIGHEST_PORT}.")
        return cls(protocol, int(text))

    def __str__(self) -> str:
        return f"{self.protocol} {self.port}" if self.port else self.protocol


@dataclass(frozen=True)
class Packet:
    """A packet of a question, or of its reply."""

    source: IPv4Address
    target: IPv4Address
    service: Service
    is_reply: bool = False

    @property
    def target_ports(self) -> range:
        """The service's, or any that the client may have."""
        return CLIENT_PORTS if self.is_reply else range(self.service.port, self.service.port + 1)

    @property
    def icmp(self) -> tuple[int, int]:
        return (ECHO_REPLY if self.is_reply else ECHO_REQUEST, 0)

    @property
    def flow(self) -> tuple[Any, ...]:
        """What a stateful device remembers: the same for a packet and its reply."""
        ends = (self.target, self.source) if self.is_reply else (self.source, self.target)
        return (*ends, self.service)

    def reply(self, source: IPv4Address | None = None) -> Packet:
        return replace(self, source=source or self.target, target=self.source, is_reply=True)

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} {self.service}{' (reply)' if self.is_reply else ''}"


@dataclass(frozen=True)
class Step:
    """One decision: of what kind, by what, what it was, and the code if it was to drop."""

    kind: str  # interface, group, acl, route, gateway, endpoint, forwarder, amazon, end
    component: str
    said: str
    packet: str
    is_reply: bool = False
    code: str = ""

    @property
    def short(self) -> str:
        """The component's name where it has one, without its id."""
        _, bracket, name = self.component.rpartition(" (")
        return name.rstrip(")") if bracket else self.component


@dataclass(frozen=True)
class Path:
    """All decisions up to the one that drops the packet or its reply."""

    question: str
    steps: tuple[Step, ...]
    seen_as: IPv4Address | None = None  # whom the receiver takes for the sender
    assumptions: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        return self.steps[-1].code if self.steps else ""

    @property
    def is_open(self) -> bool:
        return not self.code

    @property
    def decided(self) -> Step:
        """The rule that drops it; else the group's rule that admitted it at its end, or the first route it took."""
        if self.code:
            return self.steps[-1]
        request = [one for one in self.steps if not one.is_reply]
        admitted = [one for one in request if one.kind == "group" and one.said.startswith("ingress")]
        routes = [one for one in request if one.kind == "route"]
        # Where no group guards the end (the internet, an endpoint), the way is what matters.
        leaves = request[-1].kind != "end" or request[-1].component == "internet"
        if leaves and routes:
            return routes[0]
        return admitted[-1] if admitted and not leaves else request[-1]

    def as_dict(self) -> dict[str, Any]:
        return {
            "question": self.question,
            "open": self.is_open,
            "seen_as": str(self.seen_as or ""),
            "code": self.code,
            "blocked_by": self.steps[-1].component if self.code else "",
            "reason": self.steps[-1].said if self.code else "",
            "steps": [vars(one) for one in self.steps],
            "assumptions": list(self.assumptions),
        }
