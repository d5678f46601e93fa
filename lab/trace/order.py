"""The order `trace` of the lab's own process; the only module here that reads the API."""

from __future__ import annotations

from typing import Any

from lab.observe import observe
from lab.trace.question import Service, trace


def answer_trace(source: str, target: str, service: list[str]) -> dict[str, Any]:
    """Trace over what the API holds at this moment."""
    return trace(observe(), source, target, Service.parse(service)).as_json()
