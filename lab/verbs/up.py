"""Start a lab, or find it running."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from lab import registry
from lab.config import DEFAULT_PORT, LabConfig
from lab.errors import LabError
from lab.machines.image import ensure_image
from lab.preconditions import check_machine
from lab.sweep import sweep
from lab.verbs.speech import say

START_DEADLINE_SECONDS = 30.0


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=int, help=f"loopback port of the API (default: {DEFAULT_PORT}, the next lab's one more)"
    )


def run(given: argparse.Namespace) -> None:
    """Start a lab, sweeping first what a killed one left."""
    check_machine()
    before = registry.last_known(given.name)
    if before and registry.daemon_pid(before):
        say(f"the lab {given.name} is already running at {before.endpoint_url}")
        return
    if before:
        say("sweeping what a killed lab left behind")
        sweep(before)
    image = ensure_image(say)
    config = registry.reserve(given.name, given.port)
    _start_daemon(config, str(image))
    say(f"the lab {config.name} answers at {config.endpoint_url}; its public addresses are {config.pool}")


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
