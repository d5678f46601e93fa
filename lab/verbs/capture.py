"""Write the packets of a machine's interface to a pcap file, or show them."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from lab import client, registry
from lab.errors import LabError
from lab.preconditions import check_machine
from lab.run import in_namespace

EXAMPLES = """\
examples:
  sudo lab capture sidedish-playground-private                      show its packets until Ctrl-C
  sudo lab capture sidedish-playground-public -w nat.pcap -- port 80    keep some, for Wireshark
"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    parser.add_argument("machine", help="Name tag or instance id")
    parser.add_argument("-w", "--write", metavar="FILE", help="a pcap file instead of text")
    parser.add_argument("filter", nargs="*", help="what tcpdump understands, after --")


def run(given: argparse.Namespace) -> None:
    """Listen at the router's end of a machine's cable: what is seen here has left the machine, or is about to enter."""
    check_machine()
    if shutil.which("tcpdump") is None:
        raise LabError("tcpdump is not installed, and it does the listening", hint="apt-get install tcpdump")
    found = client.ask(registry.find(given.name), "machine", which=given.machine)
    output = ["-w", str(Path(given.write).absolute())] if given.write else ["-l"]
    argv = in_namespace(found["router"], ["tcpdump", "-n", "-i", found["port"], *output, *given.filter])
    os.execvp(argv[0], argv)
