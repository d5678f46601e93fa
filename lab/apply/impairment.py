"""A bad line on purpose: loss, a narrow MTU, a low rate or a delay on one machine's cable."""

from __future__ import annotations

from dataclasses import dataclass

from lab.compile.names import instance_interface
from lab.errors import LabError
from lab.run import CommandError, in_namespace, run

WIDE = 9001  # the MTU of a healthy cable


@dataclass(frozen=True)
class Impairment:
    """What is wrong with a line; the values of a healthy one by default."""

    loss_percent: int = 0
    mtu: int = WIDE
    rate_kbit: int = 0
    delay_ms: int = 0

    def check(self) -> None:
        """Raise LabError for values that no line has."""
        if not 0 <= self.loss_percent <= 100:
            raise LabError(f"a loss of {self.loss_percent} % is no share of the packets", hint="give 0 to 100")
        if not 68 <= self.mtu <= WIDE:
            raise LabError(f"no IPv4 link has an MTU of {self.mtu}", hint=f"give 68 (RFC 791) to {WIDE}")
        if min(self.rate_kbit, self.delay_ms) < 0:
            raise LabError("a rate or delay below zero cannot be", hint="give 0 for none")

    def ruleset(self, port: str) -> str:
        """The nftables table that drops a share of what goes to and comes from the port."""
        table = f"table ip impair_{port.replace('-', '_')}"
        dice = f"numgen random mod 100 < {self.loss_percent} " if self.loss_percent < 100 else ""
        chance = f"{dice}counter drop"
        rules = f'iifname "{port}" {chance}; oifname "{port}" {chance};' if self.loss_percent else ""
        chain = f"chain forward {{ type filter hook forward priority -20; {rules} }}"
        return f"{table}\ndelete {table}\n{table} {{ {chain}; }}\n"

    def queue(self) -> list[str]:
        """The queueing discipline towards the machine; empty for none."""
        if self.delay_ms:
            rate = ["rate", f"{self.rate_kbit}kbit"] if self.rate_kbit else []
            return ["netem", "delay", f"{self.delay_ms}ms", *rate]
        return ["tbf", "rate", f"{self.rate_kbit}kbit", "burst", "32kbit", "latency", "400ms"] if self.rate_kbit else []


def impair(router: str, port: str, machine: str, impairment: Impairment) -> None:
    """Make the line between router and machine, two namespaces, so; a healthy impairment heals it."""
    impairment.check()
    run(in_namespace(router, ["nft", "-f", "-"]), stdin=impairment.ruleset(port))
    # Both ends, as a link has one MTU: a narrower end would swallow large packets without a word.
    for namespace, end in ((router, port), (machine, instance_interface(0))):
        run(["ip", "-n", namespace, "link", "set", end, "mtu", str(impairment.mtu)])
    run(in_namespace(router, ["tc", "qdisc", "delete", "dev", port, "root"]), check=False)
    if queue := impairment.queue():
        try:
            run(in_namespace(router, ["tc", "qdisc", "add", "dev", port, "root", *queue]))
        except CommandError as error:
            raise LabError(
                f"this kernel has no {queue[0]} queue: {error.stderr}", hint="without sch_netem there is no delay"
            ) from error
