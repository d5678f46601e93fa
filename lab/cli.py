"""The command `lab`: start, look at, use and remove the embedded VPC."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from lab import registry
from lab.config import DEFAULT_NAME, DEFAULT_PORT, REGION, LabConfig
from lab.errors import LabError
from lab.machines.image import ensure_image
from lab.picture import draw
from lab.preconditions import check_machine
from lab.sweep import sweep

START_DEADLINE_SECONDS = 30.0
STOP_DEADLINE_SECONDS = 60.0
EXAMPLES = """\
examples:
  sudo lab up             start the lab, or find it running
  eval "$(lab env)"       point the AWS tools of this shell at it
  lab status              see VPCs, machines and addresses
  sudo lab down           remove it without a trace
"""


def up(given: argparse.Namespace) -> None:
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


def down(given: argparse.Namespace) -> None:
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


def env(given: argparse.Namespace) -> None:
    """Print the standard AWS environment variables of a lab: all that the playbooks ever see of it."""
    config = registry.find(given.name)
    values = {
        "AWS_ENDPOINT_URL": config.endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # Long on purpose: Ansible hides the secret wherever it occurs, and a short one occurs everywhere.
        "AWS_ACCESS_KEY_ID": "onebox-lab-dummy-access-key",
        "AWS_SECRET_ACCESS_KEY": "onebox-lab-dummy-secret-access-key",
    }
    if given.json:
        print(json.dumps(values))
        return
    for key, value in values.items():
        print(f"export {key}={value}")
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")


def status(given: argparse.Namespace) -> None:
    """Show VPCs, machines and addresses."""
    config = registry.find(given.name)
    try:
        with urllib.request.urlopen(f"{config.endpoint_url}/_lab/status", timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
    except urllib.error.URLError as error:
        raise LabError(
            f"the lab {config.name} does not answer at {config.endpoint_url}: {error.reason}",
            hint=f"read {config.log_file}, or start anew: sudo lab down; sudo lab up",
        ) from error
    print(json.dumps(state, indent=1) if given.json else draw(state))


def say(text: str) -> None:
    """Tell the operator what happens, on standard error, so that `lab env` can be evaluated."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="lab", description="An embedded VPC on one Linux machine: EC2's API, real machines, real packets.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verbs = top.add_subparsers(dest="verb", required=True, metavar="up|status|env|down")
    for verb, action in (("up", up), ("status", status), ("env", env), ("down", down)):
        one = verbs.add_parser(verb, help=(action.__doc__ or "").rstrip("."), description=action.__doc__)
        one.set_defaults(action=action)
        one.add_argument("--name", default=DEFAULT_NAME, help="which lab, if several run side by side")
        if verb == "up":
            one.add_argument("--port", type=int, default=DEFAULT_PORT, help="loopback port of the API")
        if verb in ("status", "env"):
            one.add_argument("--json", action="store_true", help="for scripts")
    return top


def main() -> int:
    """Run one verb; a LabError becomes two lines and status 1."""
    given = parser().parse_args()
    try:
        given.action(given)
    except LabError as error:
        say(error.message)
        if error.hint:
            say(f"  remedy: {error.hint}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
