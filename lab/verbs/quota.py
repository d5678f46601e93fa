"""Show or set the quotas of the account."""

from __future__ import annotations

import argparse
import json

from lab import client, registry
from lab.api.quotas import parse_quotas


def options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = """\
examples:
  lab quota                        what is used of each
  lab quota addresses=2 vcpus=5    an account that gives two Elastic IPs and five vCPUs

Also at the start: sudo lab up --quota addresses=2
"""
    parser.add_argument("limits", nargs="*", metavar="NAME=NUMBER", help="addresses, vpcs, vcpus")
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(given: argparse.Namespace) -> None:
    """Show or set the quotas of the account, per region; what is over a lowered one stays."""
    table = client.ask(registry.find(given.name), "quota", **parse_quotas(given.limits))
    if given.json:
        print(json.dumps(table, indent=1))
        return
    for name, row in table.items():
        print(f"{name:<10} {row['used']:>3} of {row['limit']}")
