"""What a trace consists of: the packet, the steps it takes, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from typing import Any

from lab.trace.codes import Code

# The client's own port is not known beforehand; Linux takes one of these.
# Source: https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range)
CLIENT_PORTS = range(32768, 61000)
PORT_PROTOCOLS = ("tcp", "udp")
ECHO_REQUEST, ECHO_REPLY = 8, 0
REPLY_TYPES = {ECHO_REQUEST: ECHO_REPLY, 13: 14, 15: 16, 17: 18}  # RFC 792, RFC 950


@dataclass(frozen=True)
class Packet:
    """One packet of a question or of its reply; for ICMP `icmp` is the type and the code."""

    source: IPv4Address
    target: IPv4Address
    protocol: str
    port: int = 0  # the service's, in both directions
    is_reply: bool = False
    icmp: tuple[int, int] = (ECHO_REQUEST, 0)

    @property
    def target_ports(self) -> range:
        """The ports it may be sent to: the service's, or any of the client's."""
        return CLIENT_PORTS if self.is_reply else range(self.port, self.port + 1)

    @property
    def flow(self) -> tuple[Any, ...]:
        """What a stateful device remembers: the same for a packet and its reply."""
        ends = (self.target, self.source) if self.is_reply else (self.source, self.target)
        return (*ends, self.protocol, self.port)

    def reply(self, *, source: IPv4Address | None = None) -> Packet:
        """What the receiver of this packet sends back."""
        kind = (REPLY_TYPES.get(self.icmp[0], ECHO_REPLY), 0)
        return replace(self, source=source or self.target, target=self.source, is_reply=True, icmp=kind)

    def __str__(self) -> str:
        what = self.protocol
        if self.protocol in PORT_PROTOCOLS:
            what += f" to a client's port, from {self.port}" if self.is_reply else f" {self.port}"
        elif self.protocol == "icmp":
            what += f" {self.icmp[0]}/{self.icmp[1]}"
        return f"{self.source} -> {self.target} {what}"


@dataclass(frozen=True)
class Step:
    """One decision: by which component, what it was, and the code of the drop if it was one."""

    leg: str  # request or reply
    component: str
    decision: str
    packet: str
    code: Code | None = None


@dataclass(frozen=True)
class Trace:
    """The way of one packet and its reply, up to the first decision that drops it."""

    question: str
    steps: tuple[Step, ...]
    seen_as: IPv4Address | None = None  # which address the receiver took for the sender's
    assumptions: tuple[str, ...] = field(default=())

    @property
    def code(self) -> Code | None:
        return self.steps[-1].code if self.steps else None

    @property
    def reachable(self) -> bool:
        return self.code is None

    def as_json(self) -> dict[str, Any]:
        """Plain values for scripts."""
        return {
            "question": self.question,
            "reachable": self.reachable,
            "seen_as": str(self.seen_as) if self.seen_as else None,
            "code": self.code,
            "reason": None if self.reachable else self.steps[-1].decision,
            "blocked_by": None if self.reachable else self.steps[-1].component,
            "steps": [{**vars(step), "allowed": step.code is None} for step in self.steps],
            "assumptions": list(self.assumptions),
        }
