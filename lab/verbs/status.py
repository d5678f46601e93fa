"""Show VPCs, machines and addresses."""

from __future__ import annotations

import argparse
import json

from lab import client, registry
from lab.picture import draw


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(given: argparse.Namespace) -> None:
    """Show VPCs, machines and addresses."""
    state = client.ask(registry.find(given.name), "status")
    print(json.dumps(state, indent=1) if given.json else draw(state))
