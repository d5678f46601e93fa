# Ansible managed. Role balanced_member.
"""Ask the application for its page until it has answered well once, before anybody else is let to it.

usage: ask_page.py URL
"""

from __future__ import annotations

import http.client
import sys
import time
from urllib.parse import urlsplit

PAUSE_SECONDS = 2
PATIENCE_SECONDS = 10


def ask(url: str) -> str:
    """What is wrong with the answer; nothing if it is well. A redirect is well."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return "" if status < 400 else f"answers {status}"


def main(url: str) -> None:
    while wrong := ask(url):
        sys.stderr.write(f"{url}: {wrong}\n")
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
