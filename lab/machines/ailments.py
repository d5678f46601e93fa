"""What was spoiled on purpose at machines, so that it can be told and healed; forgotten with the cable it was for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lab.apply.impairment import Impairment
from lab.errors import LabError

HEALTHY = Impairment()
KINDS = {
    "loss": ("loss_percent", "packets of a machine get lost: --amount is the percentage"),
    "delay": ("delay_ms", "packets towards a machine come --amount milliseconds later"),
    "rate": ("rate_kbit", "the line towards a machine carries --amount kbit/s"),
    "mtu": ("mtu", "no packet larger than --amount bytes passes a machine's line"),
    "full-disk": ("", "a machine's disk has not a block left"),
}


@dataclass(frozen=True)
class Ailment:
    """The state of one machine's line and disk, and the cable that it is about."""

    machine: str
    name: str
    cable: str
    line: Impairment = HEALTHY
    full_disk: bool = False

    @property
    def healthy(self) -> bool:
        return self.line == HEALTHY and not self.full_disk

    def worse(self, kind: str, amount: int | None) -> Ailment:
        """The same with one more thing wrong."""
        if kind == "full-disk":
            return replace(self, full_disk=True)
        if amount is None:
            raise LabError(f"how much {kind} is not said", hint=f"{KINDS[kind][1]}; for example --amount 20")
        return replace(self, line=replace(self.line, **{KINDS[kind][0]: amount}))


@dataclass
class Ailments:
    """By machine id; `cable_of` tells which cable a machine has now, and nothing if it has none."""

    cable_of: Callable[[str], str]
    _known: dict[str, Ailment] = field(default_factory=dict)

    def of(self, machine: str, name: str) -> Ailment:
        """What is wrong with a machine now: a power cycle gave it a new, sound cable."""
        cable = self.cable_of(machine)
        known = self._known.get(machine)
        return known if known and known.cable == cable else Ailment(machine, name, cable)

    def note(self, ailment: Ailment) -> None:
        self._known[ailment.machine] = ailment

    def list(self) -> list[Ailment]:
        found = [self.of(one.machine, one.name) for one in self._known.values() if self.cable_of(one.machine)]
        return [one for one in found if not one.healthy]


def as_row(ailment: Ailment) -> dict[str, Any]:
    """For scripts."""
    return {"machine": ailment.machine, "name": ailment.name, "full_disk": ailment.full_disk, **asdict(ailment.line)}
