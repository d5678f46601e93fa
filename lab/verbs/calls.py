"""Show who called what of the API."""

from __future__ import annotations

import argparse
import json
from typing import Any

from lab import registry
from lab.api.journal import journal_path, read_journal
from lab.errors import LabError


def options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = """\
examples:
  lab calls --mutating            what was asked to change
  lab calls --since 120           the calls after number 120
  lab calls --json | jq .error    one JSON object per line

Fields: n time caller agent service region action mutating resources status error faults ms.
Status 0: the client was left without an answer (a fault).
"""
    parser.add_argument("--mutating", action="store_true", help="only calls that may change something")
    parser.add_argument("--since", type=int, default=0, metavar="N", help="only calls after the one numbered N")
    parser.add_argument("--json", action="store_true", help="for scripts: one object per line")


def run(given: argparse.Namespace) -> None:
    """Show who called what: number, time, status, action, error code and the resources named."""
    config = registry.last_known(given.name)
    if config is None or not journal_path(config).exists():
        raise LabError(f"no lab named {given.name} has run here", hint="start it: sudo lab up")
    for call in read_journal(journal_path(config), since=given.since, mutating=given.mutating):
        print(json.dumps(call) if given.json else _line(call))


def _line(call: dict[str, Any]) -> str:
    program = call["agent"].partition("/")[0] or "-"
    words = [
        f"{call['n']:>5}", call["time"][11:19], f"{call['status'] or '---':>3}", "*" if call["mutating"] else " ",
        f"{call['service']}:{call['action']}", call["error"], *call["faults"], *call["resources"], f"({program})",
    ]  # fmt: skip
    return " ".join(word for word in words if word)
