"""What this machine must offer before a lab can start; each lack is one sentence with its remedy."""

from __future__ import annotations

import os
import shutil
import sys

from lab.errors import LabError
from lab.run import CommandError, run

PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "conntrack": "conntrack",
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "slirp4netns": "slirp4netns",
    "sysctl": "procps",
}


def check_machine() -> None:
    """Raise LabError if no lab can run here."""
    if sys.platform != "linux":
        raise LabError(f"the lab needs Linux; this is {sys.platform}", hint="use a Linux machine or a virtual one")
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and needs root", hint="type it with sudo: sudo lab up")
    missing = {package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if missing:
        raise LabError(
            f"programs are missing from the Debian packages {', '.join(sorted(missing))}",
            hint="script/bootstrap installs them",
        )
    try:
        run(["unshare", "--net", "true"])
    except CommandError as error:
        raise LabError(
            "this machine gives no network namespaces, not even to root",
            hint="in a container, start it privileged; otherwise use a virtual machine",
        ) from error
