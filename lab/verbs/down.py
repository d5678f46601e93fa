"""Stop a lab and remove every trace of it."""

from __future__ import annotations

import argparse
import os
import signal
import time

from lab import registry
from lab.preconditions import check_machine
from lab.sweep import sweep
from lab.verbs.speech import say

STOP_DEADLINE_SECONDS = 60.0


def run(given: argparse.Namespace) -> None:
    """Stop a lab and remove every trace of it; a lab that is not there is no error."""
    check_machine()
    config = registry.last_known(given.name)
    if config is None:
        say(f"no lab named {given.name} is here: nothing to remove")
        return
    if pid := registry.daemon_pid(config):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_DEADLINE_SECONDS
        while registry.is_daemon(pid, config):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.05)
    sweep(config)
    for path in sorted(config.run_dir.glob("*")):
        path.unlink()
    config.run_dir.rmdir()
    say(f"the lab {config.name} is gone: no namespace, mount, route or process of it is left")
