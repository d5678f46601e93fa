"""Visitors who keep asking, and what they heard."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Answer:
    """`status` 0: no answer at all. `at` is the moment of the question."""

    at: float
    status: int
    seconds: float


class Load:
    """Some visitors, each with a connection that is kept as browsers keep it, until the block ends."""

    def __init__(
        self,
        address: str,
        path: str = "/",
        *,
        visitors: int = 4,
        pause: float = 0.05,
        port: int = 80,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answers: list[Answer] = []
        self._target, self._tls = (address, port, path), tls
        self._pause = pause
        self._over = threading.Event()
        self._visitors = [threading.Thread(target=self._visit, daemon=True) for _ in range(visitors)]

    def __enter__(self) -> Load:
        for visitor in self._visitors:
            visitor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for visitor in self._visitors:
            visitor.join()

    def _visit(self) -> None:
        address, port, path = self._target
        line = (
            http.client.HTTPSConnection(address, port, timeout=30, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(address, port, timeout=30)
        )
        while not self._over.wait(self._pause):
            began, kept = time.monotonic(), line.sock is not None
            try:
                status = self._ask(line, path)
            except (OSError, http.client.HTTPException):
                line.close()
                status = 0
            if status == 0 and kept:
                # The server may end a connection that it kept; every browser then asks again.
                try:
                    status = self._ask(line, path)
                except (OSError, http.client.HTTPException):
                    line.close()
            self.answers.append(Answer(began, status, time.monotonic() - began))

    @staticmethod
    def _ask(line: http.client.HTTPConnection, path: str) -> int:
        line.request("GET", path)
        with line.getresponse() as answer:
            answer.read()
        return answer.status

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    @property
    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status != 200]

    @property
    def slowest(self) -> float:
        return max(answer.seconds for answer in self.answers)

    @property
    def outage(self) -> float:
        """From the first answer that was not 200 to the last one, in seconds."""
        moments = [moment for answer in self.failed for moment in (answer.at, answer.at + answer.seconds)]
        return max(moments) - min(moments) if moments else 0.0

    def __str__(self) -> str:
        statuses = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items()))
        return f"{statuses}; slowest {self.slowest:.1f} s, outage {self.outage:.1f} s"
