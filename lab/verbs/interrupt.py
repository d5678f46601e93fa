"""Take a spot instance back, after a notice."""

from __future__ import annotations

import argparse

from lab import client, registry
from lab.machines.interruption import ACTIONS, NOTICE_SECONDS
from lab.verbs.speech import say

EXAMPLES = """\
examples:
  lab interrupt sidedish-playground-public                 as AWS does: two minutes, then it is gone
  lab interrupt i-0123456789abcdef0 --seconds 5 --action stop
"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("machine", help="Name tag or instance id")
    parser.add_argument("--seconds", type=float, default=NOTICE_SECONDS, help="length of the notice (default: 120)")
    parser.add_argument("--action", choices=ACTIONS, default=ACTIONS[0], help="what follows (default: terminate)")


def run(given: argparse.Namespace) -> None:
    """Write the interruption notice into the metadata of a spot instance, then terminate or stop it."""
    terms = {"which": given.machine, "action": given.action, "seconds": given.seconds}
    found = client.ask(registry.find(given.name), "interrupt", **terms)
    say(f"{found['name'] or found['id']} will {given.action} at {found['time']}")
