#!/usr/bin/python3
"""Ask for a page ten times a second until a file appears; say how long it was away.

usage: watch_page.py URL FILE
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE_SECONDS = 1.0
BETWEEN_SECONDS = 0.1
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


def watch(url: str, stop: Path) -> dict[str, float]:
    stop.unlink(missing_ok=True)
    began = last = time.monotonic()
    asked = failed = 0
    longest = 0.0
    while not stop.exists() and time.monotonic() < began + LONGEST_SECONDS:
        asked += 1
        if answers(url):
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        else:
            failed += 1
        time.sleep(BETWEEN_SECONDS)
    stop.unlink(missing_ok=True)
    return {"asked": asked, "failed": failed, "longest_seconds": round(max(longest, time.monotonic() - last), 1)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(watch(sys.argv[1], Path(sys.argv[2]))) + "\n")
