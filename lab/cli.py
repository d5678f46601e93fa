"""The command `lab`: start, look at, use and remove the embedded VPC."""

from __future__ import annotations

import argparse
import sys
from types import ModuleType

from lab.config import DEFAULT_NAME
from lab.errors import LabError
from lab.verbs import (
    calls,
    capture,
    console,
    down,
    enter,
    env,
    fault,
    impair,
    interrupt,
    power_off,
    quota,
    status,
    trace,
    up,
)
from lab.verbs.speech import say

VERBS: dict[str, ModuleType] = {
    "up": up,
    "status": status,
    "env": env,
    "console": console,
    "exec": enter,
    "power-off": power_off,
    "interrupt": interrupt,
    "fault": fault,
    "impair": impair,
    "quota": quota,
    "calls": calls,
    "trace": trace,
    "capture": capture,
    "down": down,
}
EXAMPLES = """\
examples:
  sudo lab up             start the lab, or find it running
  eval "$(lab env)"       point the AWS tools of this shell at it
  lab status              see VPCs, machines and addresses
  lab trace internet sidedish-playground-public 80
  sudo lab exec sidedish-playground-public -- journalctl -b
  sudo lab down           remove it without a trace
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        prog="lab",
        description="An embedded VPC on one Linux machine: EC2's API, real machines, real packets.",
        epilog=EXAMPLES,
        formatter_class=raw,
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, module in VERBS.items():
        summary = (module.__doc__ or "").partition("\n")[0].rstrip(".")
        one = verbs.add_parser(name, help=summary, description=module.run.__doc__, formatter_class=raw)
        one.set_defaults(run=module.run)
        one.add_argument("--name", default=DEFAULT_NAME, help="which lab, if several run side by side")
        if options := getattr(module, "options", None):
            options(one)
    return top


def main() -> int:
    """Run one verb; a LabError becomes two lines and status 1."""
    given = parser().parse_args()
    try:
        given.run(given)
    except LabError as error:
        say(error.message)
        if error.hint:
            say(f"  remedy: {error.hint}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
