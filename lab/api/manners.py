"""How the API behaves beyond what it holds: its faults, its quotas and its pace; changed by orders at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.api.account import account
from lab.api.faults import FaultBook
from lab.api.pace import Pace
from lab.api.quotas import Quotas
from lab.api.tokens import Tokens
from lab.config import REGION
from lab.errors import LabError


class Manners:
    """What the API asks before it answers, and the orders that change it."""

    def __init__(self) -> None:
        self.faults = FaultBook()
        self.pace = Pace()
        self.quotas = Quotas()
        self.tokens = Tokens()

    @property
    def orders(self) -> Mapping[str, Callable[..., dict[str, Any]]]:
        return {
            "fault-add": self.faults.add,
            "fault-clear": self.faults.clear,
            "fault-list": self.faults.list,
            "quota": self.change_quotas,
            "pace": self.change_pace,
        }

    def change_quotas(self, **limits: int) -> dict[str, Any]:
        """Set some quotas and tell all."""
        self.quotas = self.quotas.change(limits)
        return self.quotas.table(account(REGION, self.quotas).used)

    def change_pace(self, *, seconds: float, late_seconds: float) -> dict[str, Any]:
        """Set how long states take and new ids are not found; also for what is under way."""
        if min(seconds, late_seconds) < 0:
            raise LabError("nothing takes less than no time", hint="give --slow-api and --late-ids 0 or more")
        self.pace.seconds, self.pace.late_seconds = seconds, late_seconds
        self.pace.settle()
        return {"seconds": seconds, "late_seconds": late_seconds}
