"""How much passes through the machines: `python -m bench.data_path`. Asserts nothing.

A lab must be up with the playground built (script/demo). Installs wrk on the public machine and removes it again. Rates are
in turns, medians: what else this computer does falls on all alike. Debian's sysbench takes the place of mysql-server, so
the database is not measured from there.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.measure import REPO, this_machine

SECONDS = 4

Rate = Callable[[], float]


class Machines:
    """Both machines, as the operator reaches them."""

    def __init__(self, build: Path) -> None:
        self.ssh = ["ssh", "-F", str(build / "ssh_config")]

    def run(self, machine: str, command: str) -> str:
        done = subprocess.run([*self.ssh, machine, command], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise SystemExit(f"On {machine}, this failed: {command}\n{done.stderr[-1000:]}")
        return done.stdout

    @contextmanager
    def package(self, machine: str, name: str) -> Iterator[None]:
        self.run(machine, f"sudo apt-get install --yes --no-install-recommends {name}")
        try:
            yield
        finally:
            self.run(machine, f"sudo apt-get purge --yes --auto-remove {name}")

    def requests(self, url: str) -> float:
        said = self.run("public", f"wrk --threads 1 --connections 32 --duration {SECONDS}s --timeout 10s {url}")
        return figure(r"Requests/sec:\s+([\d.]+)", said)


def figure(pattern: str, said: str) -> float:
    match = re.search(pattern, said)
    if not match:
        raise SystemExit(f"There is no figure in:\n{said}")
    return float(match[1])


def page(machines: Machines) -> dict[str, Rate]:
    doors = {"through nginx": "http://127.0.0.1/", "Tomcat alone": "http://127.0.0.1:8080/"}
    return {name: partial(machines.requests, url) for name, url in doors.items()}


def show(title: str, rates: dict[str, Rate], repeats: int) -> None:
    """In turns, after one that only warms up; each beside the last."""
    for rate in rates.values():
        rate()
    seen = [[rate() for rate in rates.values()] for _ in range(repeats)]
    medians = [statistics.median(column) for column in zip(*seen, strict=True)]
    for name, median in zip(rates, medians, strict=True):
        print(f"| {title} | {name} | {median:.{0 if median > 100 else 2}f} | {median / medians[-1]:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.data_path", description=__doc__)
    parser.add_argument("--build", type=Path, default=REPO / "build/playground", help="the folder with ssh_config")
    parser.add_argument("--repeats", type=int, default=3, help="how many turns")
    options = parser.parse_args()
    machines = Machines(options.build)
    print(", ".join(f"{name} {value}" for name, value in this_machine().items()))
    print("\n| what | way | median | beside the last |\n|---|---|---|---|")
    with machines.package("public", "wrk"):
        show("the page with a row of the database, requests/s", page(machines), options.repeats)


if __name__ == "__main__":
    main()
