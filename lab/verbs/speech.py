"""How the command talks: what happens on standard error, answers on standard output."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Tell the operator what happens; on standard error, so that `lab env` can be evaluated."""
    print(f"lab: {text}", file=sys.stderr, flush=True)
