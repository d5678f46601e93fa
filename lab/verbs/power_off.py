"""Cut a machine's power, as a failing host does."""

from __future__ import annotations

import argparse

from lab import client, registry
from lab.verbs.speech import say


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("machine", help="Name tag or instance id")


def run(given: argparse.Namespace) -> None:
    """Cut the power: nothing is asked, nothing is flushed; EC2 then finds the machine stopped. Start it by the API."""
    found = client.ask(registry.find(given.name), "power-off", which=given.machine)
    again = f"aws ec2 start-instances --instance-ids {found['id']}"
    say(f"the power of {found['name'] or found['id']} is cut; start it again: {again}")
