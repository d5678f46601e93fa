"""The only door to other programs: every command the lab runs goes through `run`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from lab.errors import LabError

DEFAULT_TIMEOUT_SECONDS = 60.0


class CommandError(LabError):
    """A program failed; keeps its command line, exit status and stderr."""

    def __init__(self, argv: Sequence[str], status: int, stderr: str) -> None:
        self.argv = tuple(argv)
        self.status = status
        self.stderr = stderr.strip()
        super().__init__(f"`{' '.join(argv)}` ended with status {status}: {self.stderr or 'no message'}")


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    check: bool = True,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
) -> str:
    """Run a program and return its standard output; a failure raises CommandError unless `check` is off."""
    done = subprocess.run(list(argv), input=stdin, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    if check and done.returncode != 0:
        raise CommandError(argv, done.returncode, done.stderr)
    return done.stdout


def in_namespace(namespace: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` inside a network namespace."""
    return ["ip", "netns", "exec", namespace, *argv]
