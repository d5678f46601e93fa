"""What a group tells of its past: activities and rolling replacements, in the API's own words."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

UNDER_WAY = ("Pending", "InProgress", "Cancelling")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Activity:
    """Source: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html"""

    group: str
    description: str
    cause: str
    status: str = "InProgress"
    message: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    began: datetime = field(default_factory=_now)
    ended: datetime | None = None

    def end(self, status: str, message: str = "") -> None:
        self.status, self.message, self.ended = status, message, _now()

    def told(self) -> dict[str, Any]:
        return {
            "ActivityId": self.id,
            "AutoScalingGroupName": self.group,
            "Description": self.description,
            "Cause": f"At {self.began:%Y-%m-%dT%H:%M:%SZ} an instance was changed {self.cause}.",
            "StartTime": self.began,
            "EndTime": self.ended,
            "StatusCode": self.status,
            "StatusMessage": self.message or None,
            "Progress": 100 if self.ended else 50,
        }


@dataclass
class InstanceRefresh:
    """Source: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html"""

    group: str
    preferences: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    began: datetime = field(default_factory=_now)
    ended: datetime | None = None

    def told(self, left: int, size: int) -> dict[str, Any]:
        return {
            "InstanceRefreshId": self.id,
            "AutoScalingGroupName": self.group,
            "Status": self.status,
            "StartTime": self.began,
            "EndTime": self.ended,
            "PercentageComplete": 100 if self.status == "Successful" else 100 * (size - left) // max(size, 1),
            "InstancesToUpdate": left,
            "Preferences": self.preferences,
        }


def running_refresh(group: Any) -> InstanceRefresh | None:
    found: list[InstanceRefresh] = getattr(group, "lab_refreshes", [])
    return next((one for one in found if one.status in UNDER_WAY), None)


def end_refresh(group: Any, status: str) -> None:
    if refresh := running_refresh(group):
        refresh.status, refresh.ended = status, _now()
