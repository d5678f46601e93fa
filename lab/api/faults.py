"""Faults of the API on demand: a pure decision whether a fault strikes a call, and the book that keeps them.

What real event each kind stands for is told in docs/lab-faults.md.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from lab.api.calls import Call
from lab.errors import LabError


@dataclass(frozen=True)
class Kind:
    """What a fault does when it strikes: it refuses with an error, delays, or loses the request or the reply."""

    says: str
    number: int = 0
    code: str = ""
    message: str = ""
    loses: str = ""  # request: nothing was done; reply: it was done
    actions: tuple[str, ...] = ("*",)


# The codes and their HTTP statuses: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
KINDS = {
    "throttle": Kind("too many calls: RequestLimitExceeded", 503, "RequestLimitExceeded", "Request limit exceeded."),
    "internal-error": Kind("AWS fails: InternalError, 500", 500, "InternalError", "An internal error has occurred."),
    "unavailable": Kind(
        "AWS is overloaded: Unavailable, 503", 503, "Unavailable", "The server is overloaded and can't handle it."
    ),
    "no-capacity": Kind(
        "no machine is free: InsufficientInstanceCapacity", 500, "InsufficientInstanceCapacity",
        "We currently do not have sufficient capacity in the Availability Zone you requested.",
        actions=("RunInstances", "StartInstances"),
    ),
    "lost-request": Kind("the connection ends before the call is done", loses="request"),
    "lost-reply": Kind("the call is done, its answer never arrives", loses="reply"),
    "slow": Kind("every answer takes --ms longer"),
}  # fmt: skip

# Other services say the same in other words.
THROTTLE_ELSEWHERE = {"s3": (503, "SlowDown"), "ssm": (400, "ThrottlingException")}
THROTTLE_QUERY = (400, "Throttling")


@dataclass(frozen=True)
class Fault:
    """One fault and its terms; `nth` counts the calls it concerns, `seed` makes `chance` reproducible."""

    number: int
    kind: str
    actions: tuple[str, ...] = ("*",)
    mutating: bool = False
    nth: int | None = None
    chance: float = 1.0
    count: int | None = None
    ms: int = 0
    seed: int = 0

    def concerns(self, call: Call) -> bool:
        """Whether the call is one of those it was made for: `Create*`, or with the service `ssm:Put*`."""
        names = (call.action, f"{call.service}:{call.action}")
        chosen = any(fnmatchcase(name, pattern) for name in names for pattern in self.actions)
        return chosen and (call.mutating or not self.mutating)


@dataclass(frozen=True)
class Tally:
    """How many calls a fault concerned, and how many it struck."""

    seen: int = 0
    struck: int = 0


def decide(fault: Fault, tally: Tally, call: Call) -> tuple[bool, Tally]:
    """Whether the fault strikes this call, and its tally afterwards; the same calls always end alike."""
    if not fault.concerns(call):
        return False, tally
    seen = tally.seen + 1
    drawn = random.Random(f"{fault.seed}/{fault.kind}/{seen}").random()
    strikes = (
        (fault.nth is None or seen == fault.nth)
        and (fault.count is None or tally.struck < fault.count)
        and drawn < fault.chance
    )
    return strikes, Tally(seen, tally.struck + strikes)


@dataclass(frozen=True)
class Harm:
    """What all faults together do to one call: the delays add up, of the rest the first one wins."""

    delay_ms: int = 0
    kind: Kind | None = None
    names: tuple[str, ...] = ()

    def error(self, call: Call) -> tuple[int, str, str] | None:
        """Status, code and message of a refusal."""
        if self.kind is None or not self.kind.code:
            return None
        if self.kind is KINDS["throttle"] and call.service != "ec2":
            return (*THROTTLE_ELSEWHERE.get(call.service, THROTTLE_QUERY), "Rate exceeded")
        return self.kind.number, self.kind.code, self.kind.message

    @property
    def loses(self) -> str:
        return self.kind.loses if self.kind else ""


class FaultBook:
    """The faults of a lab in the order they were added; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[Fault, Tally] = {}
        self._last = 0

    def add(self, *, kind: str, **terms: Any) -> dict[str, Any]:
        with self._lock:
            fault = make_fault(self._last + 1, kind, **terms)
            self._last += 1
            self._faults[fault] = Tally()
        return asdict(fault)

    def clear(self, *, numbers: Sequence[int] = ()) -> dict[str, Any]:
        """Forget these faults, or all; a number that is not there is an error and nothing is forgotten."""
        with self._lock:
            unknown = set(numbers) - {fault.number for fault in self._faults}
            if unknown:
                raise LabError(f"there is no fault {min(unknown)}", hint="see the numbers: lab fault list")
            gone = [fault for fault in self._faults if not numbers or fault.number in numbers]
            for fault in gone:
                del self._faults[fault]
        return {"cleared": [fault.number for fault in gone]}

    def list(self) -> dict[str, Any]:
        with self._lock:
            return {"faults": [{**asdict(fault), **asdict(tally)} for fault, tally in self._faults.items()]}

    def consider(self, call: Call) -> Harm:
        """Ask every fault about a call and count it."""
        harm = Harm()
        with self._lock:
            for fault, tally in self._faults.items():
                strikes, self._faults[fault] = decide(fault, tally, call)
                if strikes:
                    harm = replace(
                        harm,
                        delay_ms=harm.delay_ms + fault.ms,
                        kind=harm.kind or (KINDS[fault.kind] if fault.kind != "slow" else None),
                        names=(*harm.names, f"{fault.kind}#{fault.number}"),
                    )
        return harm


def make_fault(number: int, kind: str, **terms: Any) -> Fault:
    """A fault from what the operator gave; what cannot work is a LabError."""
    if kind not in KINDS:
        raise LabError(f"there is no fault of the kind {kind}", hint=f"the kinds are {', '.join(KINDS)}")
    given = {key: value for key, value in terms.items() if value is not None}
    actions = tuple(given.pop("actions", ())) or KINDS[kind].actions
    fault = Fault(number, kind, actions, **given)
    if not 0 < fault.chance <= 1:
        raise LabError(f"the chance {fault.chance:g} is no probability", hint="give --chance more than 0, at most 1")
    if min(fault.nth or 1, fault.count or 1) < 1 or fault.nth == 0 or fault.count == 0:
        raise LabError("calls are counted from 1", hint="give --nth and --count 1 or more")
    if (kind == "slow") != (fault.ms > 0):
        raise LabError(
            "a slow answer needs its milliseconds" if kind == "slow" else f"{kind} takes no milliseconds",
            hint="lab fault add slow --ms 300; both kinds can be added side by side",
        )
    return fault
