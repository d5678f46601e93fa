"""Move the data of a living environment under load, and say what became of the rows and how long writes stopped.

usage: python -m tests.grow --build DIR [--kill PHASE] -- ansible-playbook playbooks/swap_database.yml ...

The application must be tests/grow/ledger. --kill ends the move by force when it has reached a phase (stopped,
opening, committed), as a machine in trouble would; then the playbook must fail or go on, and no row may be lost.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.grow.load import Load, ask

REPO = Path(__file__).resolve().parents[2]
# On the machine, without the lab's help: what the move says of itself, and its end.
KILLER = """until sudo grep -q '"phase": "{phase}"' /run/onebox-move/state.json 2>/dev/null; do sleep 0.02; done
sudo systemctl kill --signal=KILL onebox-move.service"""


class Site:
    """The environment as its operator reaches it."""

    def __init__(self, build: Path) -> None:
        self.config = build / "ssh_config"
        named = self.run("ssh", "-G", "-T", "-F", str(self.config), "public")
        self.address = next(line.split()[1] for line in named.splitlines() if line.startswith("hostname "))

    @staticmethod
    def run(*argv: str) -> str:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout

    def begin(self, command: str, **more: object) -> subprocess.Popen[str]:
        argv = ["ssh", "-T", "-F", str(self.config), "-o", "ControlPath=none", "public", command]
        return subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, **more)  # type: ignore[call-overload,no-any-return]

    def descriptor(self) -> str:
        argv = [
            "ssh",
            "-T",
            "-F",
            str(self.config),
            "public",
            "sudo sh -c 'cat /var/lib/tomcat*/application/ROOT*.xml'",
        ]
        return self.run(*argv)


def watcher(site: Site, sides: list[str]) -> subprocess.Popen[str]:
    """Look at both sides from the public machine, with the account that Tomcat was told."""
    text = site.descriptor()
    user, password = (re.findall(rf'{word}="([^"]*)"', text)[-1] for word in ("username", "password"))
    source = (Path(__file__).with_name("watch.py")).read_text(encoding="utf-8")
    # The move itself brings the client; before that it has changed nothing.
    patient = "until python3 -c 'import pymysql' < /dev/null 2> /dev/null; do sleep 0.2; done"
    watch = f"{patient}; exec python3 - app {user} {password} {' '.join(sides)}"
    process = site.begin(watch, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(source)
    process.stdin.close()
    return process


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.grow")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--kill", choices=["preparing", "stopped", "opening", "committed"])
    parser.add_argument(
        "--sides", nargs=2, required=True, help="the addresses of both servers, as the machine sees them"
    )
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    site = Site(given.build)
    url = f"http://{site.address}/"
    first = max((int(line) for line in ask(url).split()), default=0) + 1
    watching = watcher(site, given.sides)
    with Load(url, first=first) as load:
        time.sleep(3)
        killing = site.begin(KILLER.format(phase=given.kill)) if given.kill else None
        done = subprocess.run(given.command, cwd=REPO, capture_output=True, text=True, check=False)
        if killing:
            killing.terminate()
        time.sleep(3)
        alive = max(load.acknowledged.values(), default=0.0) > time.monotonic() - 2
    watching.terminate()
    assert watching.stdout is not None
    looks = [json.loads(line) for line in watching.stdout.read().splitlines() if line.endswith("]")]
    found = load.found()
    lost = sorted(set(load.acknowledged) - found)
    both = [look for look in looks if look[1] and look[2]]
    said = {
        "ended with": done.returncode,
        "said": [
            line.strip(" '-") for line in done.stdout.splitlines() if "writes stopped" in line or "serves on" in line
        ],
        "acknowledged": len(load.acknowledged),
        "lost": len(lost),
        "longest gap": round(load.longest_gap(), 1),
        "refused": load.refused,
        "looks": len(looks),
        "both sides writable": len(both),
        "writes at the end": alive,
    }
    sys.stdout.write(json.dumps(said, indent=2, ensure_ascii=False) + "\n")
    if done.returncode and not given.kill:
        sys.stdout.write(done.stdout[-3000:])
    return int(bool(lost or both or not alive or not looks))


if __name__ == "__main__":
    sys.exit(main())
