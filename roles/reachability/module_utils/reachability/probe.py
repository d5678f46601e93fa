"""Ask many services and URLs at once, within a deadline, and tell the ways of failing apart."""

from __future__ import annotations

import contextlib
import html
import ipaddress
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from . import datagrams
from .model import OUTSIDE, Cell

# From outside, such an address could be a machine of somebody else's network: it is never asked.
NEVER_FROM_OUTSIDE = tuple(
    ipaddress.ip_network(cidr)
    for cidr in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "0.0.0.0/8",
    )
)
PAUSE_SECONDS = 1.0
T = TypeVar("T")


def cells_from(vantage: str, matrix: list[dict[str, Any]]) -> list[Cell]:
    """The rows that this vantage point asks; the operator's machine stands for the internet."""
    sources = OUTSIDE if vantage == "internet" else (vantage,)
    return [cell for cell in map(Cell.parse, matrix) if cell.source in sources and cell.packets]


def is_askable(vantage: str, address: str) -> bool:
    """False for an address that must not be asked from here."""
    if not address:
        return False
    if vantage != "internet":
        return True
    return not any(ipaddress.ip_address(address) in network for network in NEVER_FROM_OUTSIDE)


def connect(address: str, port: int, seconds: float) -> str:
    """The answer of one TCP handshake: open, refused, filtered, unreachable or unresolved."""
    try:
        with socket.create_connection((address, port), timeout=seconds):
            return "open"
    except socket.gaierror:
        return "unresolved"
    except ConnectionRefusedError:
        return "refused"
    except (socket.timeout, TimeoutError):
        return "filtered"
    except OSError:  # no route, or one of this machine's own that says no
        return "unreachable"


def knock(cell: Cell, address: str, seconds: float) -> str:
    """One answer by the protocol of the cell."""
    if cell.protocol == "icmp":
        return datagrams.icmp(address, seconds)
    if cell.protocol == "udp":
        return datagrams.udp(address, cell.port, seconds)
    return connect(address, cell.port, seconds)


def ask(cell: Cell, address: str, seconds: float) -> str:
    """One answer; what should be open and is not gets a second chance, so that a lost packet is no alarm."""
    answer = knock(cell, address, seconds)
    if cell.expect == "open" and answer != "open":
        time.sleep(PAUSE_SECONDS)
        answer = knock(cell, address, seconds)
    return answer


def resolve(name: str) -> str:
    """The first IPv4 address behind a name or an address, or nothing; asked twice before it is nothing."""
    for pause in (PAUSE_SECONDS, 0.0):
        with contextlib.suppress(socket.gaierror):
            return str(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
        time.sleep(pause)
    return ""


def fetch(url: str, seconds: float) -> dict[str, Any]:
    """Status and text of a page, asked directly and never through a configured proxy."""
    # Whether a browser would trust the certificate is no question here; when it ends is asked on the machine.
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=anybody))
    try:
        with opener.open(url, timeout=seconds) as response:
            return {"status": response.status, "text": readable(response.read(65536))}
    except urllib.error.HTTPError as error:
        with error:
            return {"status": error.code, "text": readable(error.read(65536))}
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return {"status": 0, "text": "", "error": text}


def fetch_patiently(url: str, seconds: float) -> dict[str, Any]:
    """As `fetch`, with a second chance when the first answer is not 200."""
    answer = fetch(url, seconds)
    if answer["status"] != 200:
        time.sleep(PAUSE_SECONDS)
        answer = fetch(url, seconds)
    return answer


def readable(page: bytes) -> str:
    """The visible text of a page, one line per block, without markup."""
    text = page.decode("utf-8", errors="replace")
    text = re.sub(r"(?is)<(script|style|title)\b.*?</\1>", " ", text)
    text = re.sub(r"(?i)</?(p|div|li|tr|dt|h[1-6]|br|body|html)\b[^>]*>", "\n", text)
    text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)[:4000]


def together(jobs: Mapping[str, Callable[[], T]], seconds: float, late: T) -> dict[str, T]:
    """Run all jobs at once; what has not answered after `seconds` counts as `late`."""
    answers: dict[str, T] = {}
    errors: list[BaseException] = []

    def work(name: str, job: Callable[[], T]) -> None:
        try:
            answers[name] = job()
        except BaseException as error:  # noqa: BLE001 - handed to the caller below, not swallowed
            errors.append(error)

    # Daemons, because a resolver that never answers must not keep the process alive.
    threads = [threading.Thread(target=work, args=item, daemon=True) for item in jobs.items()]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if errors:
        raise errors[0]
    return {name: answers.get(name, late) for name in jobs}


def ask_all(vantage: str, cells: list[Cell], addresses: dict[str, str], seconds: float) -> dict[str, dict[str, str]]:
    """The answers to all cells by name, and the addresses that were asked.

    A target without an address has none to be asked at.
    """
    patience = 2 * seconds + PAUSE_SECONDS + 1
    names = {cell.target: addresses[cell.target] for cell in cells if addresses.get(cell.target)}
    resolved = together({target: partial(resolve, name) for target, name in names.items()}, patience, "")
    answers = {cell.name: "unresolved" if cell.target in names else "no address" for cell in cells}
    jobs: dict[str, Callable[[], str]] = {}
    for cell in cells:
        address = resolved.get(cell.target, "")
        if is_askable(vantage, address):
            jobs[cell.name] = partial(ask, cell, address, seconds)
        elif address:
            raise ValueError(
                f"{cell.name}: {address} is a private address, and a packet to it from here could "
                f"reach a machine of somebody else. Give reachability_addresses public addresses."
            )
    answers.update(together(jobs, patience, "filtered"))
    return {"answers": answers, "resolved": {target: address for target, address in resolved.items() if address}}
