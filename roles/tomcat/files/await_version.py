"""Wait until Tomcat serves a version of the application, and the application is well; print after how many seconds.

usage: await_version.py DESCRIPTOR UNIT VERSION_URL START_SECONDS [PAGE_URL PAGE_SECONDS]

DESCRIPTOR is the file that Tomcat was handed, and VERSION_URL answers 200 once Tomcat gives it the visitors. A start
that failed stands in the journal of UNIT; then there is no need to wait for the deadline. PAGE_URL must answer 200 as
well; 502, 503 and 504 mean that it is too early to tell.
"""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

# Everything that is asked is on this machine, and a certificate is for the name that visitors use.
UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE


class StayHere(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer: following it would ask another machine."""

    def redirect_request(self, *_: object) -> None:
        return None


BROWSER = urllib.request.build_opener(StayHere, urllib.request.HTTPSHandler(context=UNVERIFIED))


def ask(url: str) -> str:
    """The status as text, or why there is none."""
    try:
        with BROWSER.open(url, timeout=10) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return str(getattr(error, "reason", error))


def output(*argv: str) -> str:
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


def said(unit: str, since: int) -> list[str]:
    """What Tomcat and the application told their logs since then."""
    lines = output("journalctl", "--unit", unit, "--since", f"@{since}", "--output", "cat", "--no-pager").splitlines()
    for log in sorted(Path("/var/log", unit).glob("localhost.*.log")):
        if log.stat().st_mtime >= since:
            lines += log.read_text(errors="replace").splitlines()[-200:]
    return lines


def failed_start(descriptor: Path, unit: str) -> str:
    """Why Tomcat could not start it; empty when it has not failed since it was handed over, or since Tomcat began."""
    began = output("systemctl", "show", unit, "--property=ExecMainStartTimestamp", "--value", "--timestamp=unix")
    since = max(int(descriptor.stat().st_mtime), int(began.strip("@\n") or 0))
    lines = said(unit, since)
    # The second is what Tomcat says of a WAR that it cannot even open.
    signs = (
        f"Context [{descriptor.stem.removeprefix('ROOT')}] startup failed",
        f"Error deploying deployment descriptor [{descriptor}]",
    )
    if not any(sign in line for line in lines for sign in signs):
        return ""
    return f"Tomcat could not start it: {causes(lines)}"


def causes(lines: list[str]) -> str:
    """The few lines that say why, without the places in the code."""
    telling = [line.strip() for line in lines if "Caused by:" in line or "Exception:" in line or "Error:" in line]
    return "; ".join(dict.fromkeys(telling[-3:])) or "the journal of the machine says more"


def await_answer(url: str, seconds: float, given_up: Callable[[str], str]) -> str:
    """Ask until 200; the empty text, or what was wrong."""
    deadline = time.monotonic() + seconds
    while (status := ask(url)) != "200":
        if wrong := given_up(status):
            return wrong
        if time.monotonic() > deadline:
            return f"{url} did not answer 200 within {seconds:.0f} s, but: {status}"
        time.sleep(0.2)
    return ""


def await_page(url: str, seconds: float) -> str:
    """An application that answers something else three times is given up: visitors hear it as well."""
    heard: list[str] = []

    def given_up(status: str) -> str:
        heard.append(status)
        final = [each for each in heard if each.isdigit() and each not in ("502", "503", "504")]
        return f"{url} answered {status} where it must answer 200" if len(final) >= 3 else ""

    return await_answer(url, seconds, given_up)


def main() -> None:
    descriptor, unit, version_url, start_seconds = sys.argv[1:5]
    began = time.monotonic()
    wrong = await_answer(version_url, float(start_seconds), lambda _: failed_start(Path(descriptor), unit))
    if not wrong and sys.argv[5:]:
        wrong = await_page(sys.argv[5], float(sys.argv[6]))
    sys.stdout.write(wrong or f"{time.monotonic() - began:.1f}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
