"""Run a command inside a machine, past SSH and firewall."""

from __future__ import annotations

import argparse
import os

from lab import client, registry
from lab.errors import LabError
from lab.preconditions import check_machine


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("machine", help="Name tag or instance id")
    parser.add_argument("command", nargs="+", help="after --, for instance: -- journalctl -b")


def run(given: argparse.Namespace) -> None:
    """Run a command as root inside a machine, as if at its keyboard; ends with the command's own status."""
    check_machine()
    found = client.ask(registry.find(given.name), "machine", which=given.machine)
    if found["leader"] is None:
        raise LabError(f"the machine {given.machine} has no power", hint="start it by the API, then try again")
    enter = ["nsenter", "--all", f"--target={found['leader']}", "--"]
    os.execvp("nsenter", [*enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *given.command])
