"""A lab that is killed while it builds leaves nothing that the next `lab up` does not sweep."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lab import registry
from lab.apply import namespaces
from lab.run import run
from tests.lab.living import lab, living_lab, wait_for
from tests.lab.test_machines import Site

NAME, PORT = "crash", 4655
# Where in the life of a small site the lab is killed: from its first VPC to its booted machine.
MOMENTS = [random.Random(seed).uniform(0.05, 3.0) for seed in range(int(os.environ.get("CRASH_MOMENTS", "5")))]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module", autouse=True)
def _gone_afterwards() -> Iterator[None]:
    yield
    lab("down", "--name", NAME)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment:.2f}s")
def test_a_lab_killed_while_it_builds_is_swept(moment: float, key: Path) -> None:
    with living_lab(NAME, PORT) as living:
        builder = threading.Thread(target=build_until_it_breaks, args=(living.ec2, key))
        builder.start()
        time.sleep(moment)  # the moment is what is tested, not what is waited for
        pid = registry.daemon_pid(living.config)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: registry.daemon_pid(living.config) is None, "the lab to die")
        builder.join(timeout=60)
        lab("up", "--name", NAME, "--port", str(PORT))
        assert namespaces.names(living.config.prefix) == [living.config.internet_namespace]
        assert leftovers(f"onebox-lab/{NAME}/i-") == []


def build_until_it_breaks(ec2: object, key: Path) -> None:
    with contextlib.suppress(ClientError, BotoCoreError, OSError):
        Site(ec2, key)


def leftovers(word: str) -> list[str]:
    """Mounts, loop devices and processes that still speak of a machine."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    loops = run(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"]).splitlines()
    processes = run(["ps", "-eo", "args"]).splitlines()
    return [line for line in (*mounts, *loops, *processes) if word in line and "(deleted)" not in line]
