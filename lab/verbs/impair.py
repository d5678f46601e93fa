"""Spoil a machine's line or fill its disk; heal it again."""

from __future__ import annotations

import argparse

from lab import client, registry
from lab.verbs.speech import say

EXAMPLES = """\
examples:
  lab impair sidedish-playground-private --loss 10           a tenth of the packets is lost, both ways
  lab impair sidedish-playground-public --mtu 1280           a narrow link on the way
  lab impair sidedish-playground-public --rate 1000          a line of 1 Mbit/s towards the machine
  lab impair sidedish-playground-private --full-disk         not a byte is free
  lab impair sidedish-playground-private --heal              all is well again
"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("machine", help="Name tag or instance id")
    parser.add_argument("--loss", type=int, default=0, metavar="PERCENT", help="packets that get lost")
    parser.add_argument("--mtu", type=int, metavar="BYTES", help="largest packet that passes")
    parser.add_argument("--rate", type=int, default=0, metavar="KBIT", help="kilobits a second towards the machine")
    parser.add_argument("--delay", type=int, default=0, metavar="MS", help="milliseconds towards the machine")
    parser.add_argument("--full-disk", action="store_true", help="fill the disk to the last block")
    parser.add_argument("--heal", action="store_true", help="undo all of it")


def run(given: argparse.Namespace) -> None:
    """Set the state of a machine's line and disk: what is not named is healthy."""
    line = {"loss_percent": given.loss, "rate_kbit": given.rate, "delay_ms": given.delay}
    line |= {"mtu": given.mtu} if given.mtu else {}
    wanted = {} if given.heal else line
    full = given.full_disk and not given.heal
    found = client.ask(registry.find(given.name), "impair", which=given.machine, line=wanted, full_disk=full)
    healthy = not full and not any(wanted.values())
    say(f"the line and disk of {found['name'] or found['id']} are " + ("healthy" if healthy else "as you asked"))
