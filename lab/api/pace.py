"""How long states take: what has begun is finished when its time has come.

With no seconds the next look at the API finds it finished, so that answers still say `pending` as EC2's do.
Nothing here sleeps: `settle` is called before each call and by the lab's own tick.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Transition:
    """What happens when a state that began at a moment comes to its end."""

    began: float
    finish: Callable[[], object]


class Pace:
    """Transitions under way by the id of their resource; for several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = 0.0  # how long a state takes
        self.late_seconds = 0.0  # how long a new id is not found
        self._clock = clock
        self._under_way: dict[str, Transition] = {}
        self._born: dict[str, tuple[float, float]] = {}
        self._lock = threading.RLock()

    def begin(self, resource: str, finish: Callable[[], object]) -> None:
        """A state has begun; it replaces one that is under way, as a termination does with a start."""
        with self._lock:
            self._under_way[resource] = Transition(self._clock(), finish)

    def settle(self) -> None:
        """Finish what is due; a changed `seconds` counts also for what began before."""
        with self._lock:
            now = self._clock()
            due = [one for one, begun in self._under_way.items() if begun.began + self.seconds <= now]
            for resource in due:
                self._under_way.pop(resource).finish()

    def bear(self, resource: str) -> None:
        """A resource was made at this moment."""
        with self._lock:
            self._born[resource] = (self._clock(), self.late_seconds)

    def unseen(self, resource: str) -> bool:
        """Whether a resource is so new that not every server of EC2 knows it; a slower pace hides nothing again."""
        with self._lock:
            born, late = self._born.get(resource, (0.0, 0.0))
            return self._clock() < born + min(late, self.late_seconds)
