"""The log of all API calls: one line of JSON per call, in `calls.jsonl` of the lab's run folder.

n          number of the call, from 1
time       when it was answered, ISO 8601, UTC
caller     the access key that signed it
agent      the program that sent it: its User-Agent
service    ec2, ssm, ...
region
action     CreateVpc, ...
mutating   whether it may change anything
resources  the ids that the request names
status     HTTP status; 0 if the client was left without an answer
error      the error code of AWS, or ""
faults     the faults that struck it: ["throttle#1"]
ms         how long it took
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.api.calls import Call
from lab.config import LabConfig


def journal_path(config: LabConfig) -> Path:
    return config.run_dir / "calls.jsonl"


class Journal:
    """Writes the log; for several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._last = len(path.read_bytes().splitlines()) if path.exists() else 0
        self._file = path.open("a", buffering=1)

    def note(self, call: Call, *, status: int, error: str, faults: tuple[str, ...], seconds: float) -> None:
        with self._lock:
            self._last += 1
            line = {
                "n": self._last,
                "time": datetime.now(UTC).isoformat(),
                "caller": call.caller,
                "agent": call.agent,
                "service": call.service,
                "region": call.region,
                "action": call.action,
                "mutating": call.mutating,
                "resources": call.resources,
                "status": status,
                "error": error,
                "faults": list(faults),
                "ms": round(seconds * 1000, 1),
            }
            self._file.write(json.dumps(line) + "\n")


def read_journal(path: Path, *, since: int = 0, mutating: bool = False) -> Iterator[dict[str, Any]]:
    """The calls after the one numbered `since`, all or only the mutating ones."""
    with path.open() as lines:
        for text in lines:
            call: dict[str, Any] = json.loads(text)
            if call["n"] > since and (call["mutating"] or not mutating):
                yield call
