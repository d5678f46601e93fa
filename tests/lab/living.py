"""A living lab for tests: started and removed by the same command that people type."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3

from lab import registry
from lab.config import REGION, LabConfig

BOOT_DEADLINE_SECONDS = 60.0


def lab(*words: str) -> str:
    """Run the command `lab`; a failure is an error with what it said."""
    done = subprocess.run([sys.executable, "-m", "lab.cli", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for(question: Callable[[], Any], what: str, *, seconds: float = BOOT_DEADLINE_SECONDS) -> Any:
    """Ask until the answer is true, for a bounded time; return it."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)
    return answer


def banner(address: str, port: int = 22) -> bytes:
    """What a service says first; empty if nobody answers."""
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1) as stream:
        return stream.recv(64)
    return b""


@dataclass(frozen=True)
class LivingLab:
    """A running lab and its EC2 client."""

    config: LabConfig
    ec2: Any

    def status(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(lab("status", "--name", self.config.name, "--json"))
        return state


@contextlib.contextmanager
def living_lab(name: str, port: int) -> Iterator[LivingLab]:
    """A lab of that name; removed afterwards whatever happened."""
    try:
        lab("down", "--name", name)  # of a run that was killed
        lab("up", "--name", name, "--port", str(port))
        config = registry.find(name)
        values = json.loads(lab("env", "--name", name, "--json"))
        client = boto3.client(
            "ec2",
            endpoint_url=config.endpoint_url,
            region_name=REGION,
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )
        yield LivingLab(config, client)
    finally:
        lab("down", "--name", name)
