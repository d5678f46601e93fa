"""Start a lab, or find it running."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from lab import client, registry
from lab.api.quotas import Quotas, parse_quotas
from lab.config import DEFAULT_PORT, LabConfig
from lab.errors import LabError
from lab.machines.image import ensure_image
from lab.preconditions import check_machine
from lab.sweep import sweep
from lab.verbs.speech import say

START_DEADLINE_SECONDS = 30.0
# Machines take longer than this on AWS; ids are found at once nearly always, and late now and then.
SLOW_SECONDS = 5.0
LATE_SHARE = 0.2


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=int, help=f"loopback port of the API (default: {DEFAULT_PORT}, the next lab's one more)"
    )

    parser.epilog = """\
examples:
  sudo lab up
  sudo lab up --quota addresses=2 --quota vcpus=5
  sudo lab up --slow-api          machines take 5 s to run or stop, a new id is not found for 1 s
"""
    parser.add_argument(
        "--quota", action="append", default=[], metavar="NAME=NUMBER", help="a limit of the account; repeatable"
    )
    parser.add_argument(
        "--slow-api", type=float, nargs="?", const=SLOW_SECONDS, metavar="SECONDS",
        help=f"let states take time, as on AWS (default: {SLOW_SECONDS:g}; 0 ends it); also for a running lab",
    )  # fmt: skip
    parser.add_argument(
        "--late-ids", type=float, metavar="SECONDS",
        help="how long a new id is not found (default: a fifth of the states' time)",
    )  # fmt: skip


def run(given: argparse.Namespace) -> None:
    """Start a lab, sweeping first what a killed one left."""
    check_machine()
    Quotas().change(parse_quotas(given.quota))
    before = registry.last_known(given.name)
    if before and registry.daemon_pid(before):
        say(f"the lab {given.name} is already running at {before.endpoint_url}")
        _set_manners(before, given)
        return
    if before:
        say("sweeping what a killed lab left behind")
        sweep(before)
    image = ensure_image(say)
    config = registry.reserve(given.name, given.port)
    _start_daemon(config, str(image))
    _set_manners(config, given)
    say(f"the lab {config.name} answers at {config.endpoint_url}; its public addresses are {config.pool}")


def _set_manners(config: LabConfig, given: argparse.Namespace) -> None:
    if given.quota:
        client.ask(config, "quota", **parse_quotas(given.quota))
    if given.slow_api is not None or given.late_ids is not None:
        states = given.slow_api or 0.0
        late = states * LATE_SHARE if given.late_ids is None else given.late_ids
        client.ask(config, "pace", seconds=states, late_seconds=late)


def _start_daemon(config: LabConfig, image: str) -> None:
    argv = [sys.executable, "-m", "lab.daemon", "--name", config.name, "--port", str(config.port)]
    with config.log_file.open("wb") as log:
        daemon = subprocess.Popen(
            [*argv, "--slot", str(config.slot), "--image", image],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
        )  # fmt: skip
    deadline = time.monotonic() + START_DEADLINE_SECONDS
    while registry.daemon_pid(config) is None:
        if daemon.poll() is not None or time.monotonic() > deadline:
            reason = config.log_file.read_text().strip().splitlines()
            sweep(config)
            raise LabError(
                f"the lab did not start: {reason[-1] if reason else 'it said nothing'}",
                hint=f"read {config.log_file}; a port in use is changed by --port",
            )
        time.sleep(0.05)
