"""Run on the private machine: the longest time without a way out, by a new connection every tenth of a second.

usage: egress.py URL   (until the end of its input; then it says one JSON line)
"""

from __future__ import annotations

import json
import select
import sys
import time
import urllib.request


def answers(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as page:
            return str(page.read().decode().strip())
    except OSError:
        return ""


def main() -> None:
    url, began = sys.argv[1], time.monotonic()
    last, longest, failed, asked = began, 0.0, 0, 0
    seen: list[str] = []  # the addresses we were seen with, in order
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        address, now = answers(url), time.monotonic()
        asked += 1
        if not address:
            failed += 1
            continue
        longest, last = max(longest, now - last), now
        if not seen or seen[-1] != address:
            seen.append(address)
    said = {"asked": asked, "failed": failed, "longest gap": round(longest, 2), "seen as": seen}
    sys.stdout.write(json.dumps(said | {"seconds": round(time.monotonic() - began)}) + "\n")


if __name__ == "__main__":
    main()
