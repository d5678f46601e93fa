"""How fast pages, packets and queries pass: `script/bench --data-path`.

* The application's page with its query: Tomcat alone and through nginx, on the public machine.
* One TCP stream through a router: plain, and with the rules of the public machine's NAT.
* MySQL: on its own machine by its socket, and from the public machine over TLS, as the application asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.database import database
from bench.machine import Machine
from bench.measure import Way
from bench.router import nat

SECONDS, VISITORS = 5, 32


@contextmanager
def data_path(config: Path) -> Iterator[dict[str, list[Way]]]:
    """All of it, on the machines of this ssh_config; what is made for it goes in the end."""
    public, private = Machine(config, "public"), Machine(config, "private")
    with ExitStack() as undo:
        undo.enter_context(public.tools("wrk", "hey", "sysbench"))
        undo.enter_context(private.tools("sysbench"))
        yield web(public) | undo.enter_context(nat(public)) | undo.enter_context(database(public, private))


def web(public: Machine) -> dict[str, list[Way]]:
    """The page, asked by visitors who keep their connections."""
    tools = {
        "wrk": f"wrk --threads 1 --connections {VISITORS} --duration {SECONDS}s",
        "hey": f"hey -c {VISITORS} -z {SECONDS}s",
    }
    doors = {"Tomcat alone": "http://127.0.0.1:8080/", "through nginx": "http://127.0.0.1/"}
    return {
        f"The application's page ({name})": [
            Way(door, public.tool(f"{tool} {url}"), unit="/s", rate=answers) for door, url in doors.items()
        ]
        for name, tool in tools.items()
    }


def answers(said: str) -> float:
    """Of wrk and of hey: answers a second, if all were good."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if not rate or re.search(r"Non-2xx|Error distribution|\[[^2]\d\d\]\s+\d+ responses", said):
        raise SystemExit(f"Not every answer was good, so there is nothing to compare:\n{said}")
    return float(rate.group(1))
