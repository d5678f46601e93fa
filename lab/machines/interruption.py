"""Interruptions of spot instances: first a notice in the metadata, then the end.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOTICE_SECONDS = 120
ACTIONS = ("terminate", "stop")


@dataclass(frozen=True)
class Notice:
    """What will be done to an instance, and when."""

    action: str
    moment: datetime

    def categories(self) -> dict[str, str]:
        """What the instance reads about it in its metadata."""
        text = self.moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        found = {"spot/instance-action": json.dumps({"action": self.action, "time": text})}
        return found | ({"spot/termination-time": text} if self.action == "terminate" else {})


class Interruptions:
    """The notices that were given and not yet carried out."""

    def __init__(self) -> None:
        self._notices: dict[str, Notice] = {}

    def give(self, instance_id: str, action: str, seconds: float) -> Notice:
        notice = Notice(action, datetime.now(UTC) + timedelta(seconds=seconds))
        self._notices[instance_id] = notice
        return notice

    def categories(self, instance_id: str) -> dict[str, str]:
        notice = self._notices.get(instance_id)
        return notice.categories() if notice else {}

    def take_due(self) -> list[tuple[str, str]]:
        """The instances whose time has come, with what to do; each is told once."""
        now = datetime.now(UTC)
        due = [(one, notice.action) for one, notice in self._notices.items() if notice.moment <= now]
        for instance_id, _ in due:
            del self._notices[instance_id]
        return due
