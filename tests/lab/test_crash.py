"""A lab that is killed at any moment leaves nothing that the next `lab up` does not sweep, nor a changed host.

`CRASH_MOMENTS=20 pytest tests/lab/test_crash.py` tries twenty moments of each kind.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lab import registry
from lab.api.journal import journal_path
from lab.apply import namespaces
from lab.machines.cgroup import hierarchies
from lab.run import run
from tests.lab.living import LivingLab, lab, living_lab, wait_for
from tests.lab.test_machines import Site

REPO = Path(__file__).resolve().parents[2]
NAME, PORT = "crash", 4655
MOMENTS = int(os.environ.get("CRASH_MOMENTS", "0"))
# Where in the life of a small site the lab is killed: from its first VPC to its booted machine.
SECONDS = [random.Random(seed).uniform(0.05, 3.0) for seed in range(MOMENTS or 3)]
# And by which call of a playbook that makes a network and its machines; a run makes some more than that.
CALLS = [random.Random(seed).randint(1, 120) for seed in range(3, 3 + (MOMENTS or 2))]
# What every lab may add: routes with a mark of its own, and interfaces. Others may run beside this one.
LABS_OWN = re.compile(r"proto 2\d\d|\bob\d+-")


def host_state() -> list[str]:
    """Routes, rules, firewall and forwarding of this machine, without what belongs to labs."""
    said = [run(["ip", "route", "show", "table", "all"]), run(["ip", "rule"]), run(["nft", "list", "ruleset"])]
    said += [run(["sysctl", "-a", "-r", r"^net\.ipv4\.(ip_forward|conf\.(all|default)\.)"])]
    return sorted(line for text in said for line in text.splitlines() if not LABS_OWN.search(line))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def living() -> Iterator[LivingLab]:
    lab("down", "--name", NAME)
    before = host_state()
    with living_lab(NAME, PORT) as one:
        yield one
    assert host_state() == before
    assert leftovers(f"onebox-lab/{NAME}/") == []
    assert not [top for top in hierarchies() if (top / one.config.control_group).exists()]
    assert f"proto {one.config.route_protocol}" not in run(["ip", "route", "show", "table", "all"])


@pytest.mark.parametrize("moment", SECONDS, ids=lambda moment: f"{moment:.2f}s")
def test_a_lab_killed_while_it_builds_is_swept(moment: float, living: LivingLab, key: Path) -> None:
    builder = threading.Thread(target=build_until_it_breaks, args=(living.ec2, key))
    builder.start()
    time.sleep(moment)  # the moment is what is tested, not what is waited for
    kill(living)
    builder.join(timeout=60)
    assert_swept(living)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"call{call}")
def test_a_lab_killed_under_a_playbook_is_swept(call: int, living: LivingLab, key: Path, tmp_path: Path) -> None:
    journal = journal_path(living.config)
    before = journal.read_bytes().count(b"\n")
    with playbook(key, tmp_path) as running:
        wait_for(
            lambda: running.poll() is not None or journal.read_bytes().count(b"\n") >= before + call,
            f"call {call} of the playbook",
            seconds=600,
        )
        kill(living)
    assert_swept(living)


@contextlib.contextmanager
def playbook(key: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A network and its machines are being made; a process namespace, since workers outlive their parent."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    keep |= json.loads(lab("env", "--name", NAME, "--json"))
    argv = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "ansible-playbook"]
    argv += ["playbooks/create_network.yml", "playbooks/launch_instances.yml", "--limit", "playground"]
    argv += ["--extra-vars", f"build_dir={folder}", "--extra-vars", f"operator_ssh_key={key}"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(argv, cwd=REPO, env=keep, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield running
        finally:
            running.kill()
            running.wait()


def kill(living: LivingLab) -> None:
    pid = registry.daemon_pid(living.config)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: registry.daemon_pid(living.config) is None, "the lab to die")


def assert_swept(living: LivingLab) -> None:
    """The next `lab up` is as good as the first."""
    lab("up", "--name", NAME, "--port", str(PORT))
    assert namespaces.names(living.config.prefix) == [living.config.internet_namespace]
    assert leftovers(f"onebox-lab/{NAME}/i-") == []
    assert living.ec2.describe_instances()["Reservations"] == []


def build_until_it_breaks(ec2: object, key: Path) -> None:
    with contextlib.suppress(ClientError, BotoCoreError, OSError):
        Site(ec2, key)


def leftovers(word: str) -> list[str]:
    """Mounts, loop devices and processes that still speak of a machine."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    loops = run(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"]).splitlines()
    processes = run(["ps", "-eo", "args"]).splitlines()
    return [line for line in (*mounts, *loops, *processes) if word in line and "(deleted)" not in line]
