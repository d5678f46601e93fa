"""Print what a machine wrote to its console."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab import client, registry


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("machine", help="Name tag or instance id")


def run(given: argparse.Namespace) -> None:
    """Print the console from the machine's first boot on: what EC2 calls its system log, whole."""
    found = client.ask(registry.find(given.name), "machine", which=given.machine)
    print(Path(found["console"]).read_text(errors="replace"), end="")
