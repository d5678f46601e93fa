#!/usr/bin/python3
"""Ask for a page ten times a second until a file appears; say how long it was away.

usage: watch_page.py URL FILE
"""

from __future__ import annotations

import http.client
import itertools
import json
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

# Several ask at once: one that waits for an answer in vain is no silence of all the others.
ASKERS = 4
PATIENCE_SECONDS = 5.0
BETWEEN_SECONDS = 0.4
LONGEST_SECONDS = 900.0


def answers(url: str) -> bool:
    """Whether somebody serves there. A redirect is an answer; each question has a connection of its own."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ask_on(url: str, stop: Path, until: float, answered: list[tuple[float, bool]]) -> None:
    """Ask again and again; note when, and whether an answer came."""
    while not stop.exists() and time.monotonic() < until:
        well = answers(url)
        answered.append((time.monotonic(), well))
        time.sleep(BETWEEN_SECONDS)


def watch(url: str, stop: Path) -> dict[str, float]:
    # Left where it is at the end: the watch of a run that was killed ends by it as well.
    stop.unlink(missing_ok=True)
    began, answered = time.monotonic(), list[tuple[float, bool]]()
    askers = [
        threading.Thread(target=ask_on, args=(url, stop, began + LONGEST_SECONDS, answered)) for _ in range(ASKERS)
    ]
    for number, asker in enumerate(askers):
        time.sleep(BETWEEN_SECONDS / ASKERS * bool(number))
        asker.start()
    for asker in askers:
        asker.join()
    times = [began, *sorted(when for when, well in answered if well), max(when for when, _ in answered)]
    longest = max(later - earlier for earlier, later in itertools.pairwise(times))
    failed = sum(not well for _, well in answered)
    return {"asked": len(answered), "failed": failed, "longest_seconds": round(longest, 1)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(watch(sys.argv[1], Path(sys.argv[2]))) + "\n")
