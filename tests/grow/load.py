"""A steady load of writes on the page of the ledger, and what became of each of them."""

from __future__ import annotations

import itertools
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from types import TracebackType

ANSWER_SECONDS = 5.0


def ask(url: str) -> str:
    """The page; an error or silence is an OSError."""
    with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
        return str(answer.read().decode())


@dataclass
class Load:
    """Writes rows at a rate until it is left, each by a request of its own; one counts once the page has said so."""

    url: str
    rows_per_second: float = 50.0
    writers: int = 8
    first: int = 1
    acknowledged: dict[int, float] = field(default_factory=dict)  # row to when
    refused: dict[str, int] = field(default_factory=dict)  # reason to how often

    def __enter__(self) -> Load:
        self._numbers, self._lock, self._over = itertools.count(self.first), threading.Lock(), threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._write, daemon=True) for _ in range(self.writers)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self) -> None:
        while not self._over.is_set():
            with self._lock:
                number = next(self._numbers)
            due = self._began + (number - self.first) / self.rows_per_second
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
            try:
                said = ask(f"{self.url}?add={number}")
                reason = "" if said.strip() == f"written {number}" else f"said {said[:60]!r}"
            except urllib.error.HTTPError as failure:
                reason = f"{failure.code} {failure.read().decode(errors='replace')[:50]}"
            except OSError as failure:
                reason = type(failure).__name__
            with self._lock:
                if reason:
                    self.refused[reason] = self.refused.get(reason, 0) + 1
                else:
                    self.acknowledged[number] = time.monotonic()

    def found(self) -> set[int]:
        """The rows that the database has now."""
        return {int(line) for line in ask(self.url).split()}

    def longest_gap(self) -> float:
        """The longest time without an acknowledged row: the outage as the writers saw it."""
        times = sorted(self.acknowledged.values())
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)
