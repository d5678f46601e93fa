"""Follow one packet and its reply, and name what decides."""

from __future__ import annotations

import argparse
import json

from lab import client, registry
from lab.trace.picture import draw
from lab.trace.question import Service

NOT_REACHABLE = 2


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC", help="a Name tag, an id, an address, or internet")
    parser.add_argument("target", metavar="DST", help="the same")
    parser.add_argument("service", metavar="SERVICE", nargs="+", help="PORT, tcp PORT, udp PORT, icmp, icmp TYPE/CODE")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.epilog = """\
examples:
  lab trace sidedish-playground-private internet 443
  lab trace internet sidedish-playground-public tcp 22
  lab trace 10.1.1.10 10.1.2.10 icmp

The status is 0 if it is reachable, and 2 if not. No packet is sent: the answer is computed from what the API says.
"""


def run(given: argparse.Namespace) -> None:
    """Follow one packet and its reply hop by hop, name each decision, and the first one that drops it."""
    Service.parse(given.service)  # a mistake is told before the lab is asked
    config = registry.find(given.name)
    answer = client.ask(config, "trace", source=given.source, target=given.target, service=given.service)
    print(json.dumps(answer, indent=1) if given.json else draw(answer))
    if not answer["reachable"]:
        raise SystemExit(NOT_REACHABLE)
