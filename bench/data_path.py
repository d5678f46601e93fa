"""What nginx leaves of Tomcat's speed: `python -m bench.data_path`. Asserts nothing.

A lab must be up with the playground built (script/demo). Installs wrk on the public machine and removes it again. Rates
are in turns, medians: what else this computer does falls on all alike. (Debian's sysbench would replace mysql-server.)
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
from pathlib import Path

from bench.measure import REPO, this_machine

SECONDS = 4

DOORS = {"through nginx": "http://127.0.0.1/", "Tomcat alone": "http://127.0.0.1:8080/"}


def on_public(build: Path, command: str) -> str:
    argv = ["ssh", "-F", str(build / "ssh_config"), "public", command]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise SystemExit(f"On the public machine, this failed: {command}\n{done.stderr[-1000:]}")
    return done.stdout


def requests(build: Path, url: str) -> float:
    """How many of them are answered in a second; 32 visitors who keep their connections."""
    said = on_public(build, f"wrk --threads 1 --connections 32 --duration {SECONDS}s --timeout 10s {url}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if not found or "Non-2xx" in said:
        raise SystemExit(f"That is no figure:\n{said}")
    return float(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.data_path", description=__doc__)
    parser.add_argument("--build", type=Path, default=REPO / "build/playground", help="the folder with ssh_config")
    parser.add_argument("--repeats", type=int, default=3, help="how many turns, after one that only warms up")
    options = parser.parse_args()
    on_public(options.build, "sudo apt-get install --yes --no-install-recommends wrk")
    try:
        turns = [
            {name: requests(options.build, url) for name, url in DOORS.items()} for _ in range(options.repeats + 1)
        ]
    finally:
        on_public(options.build, "sudo apt-get purge --yes wrk")
    print(", ".join(f"{name} {value}" for name, value in this_machine().items()))
    medians = {name: statistics.median(turn[name] for turn in turns[1:]) for name in DOORS}
    for name, median in medians.items():
        print(f"{name}: {median:.0f} requests/s, {median / medians['Tomcat alone']:.2f} of Tomcat alone")


if __name__ == "__main__":
    main()
