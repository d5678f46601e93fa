"""An account to break: who types playbooks, and what they then find there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from lab.api.journal import read_journal
from lab.client import ask
from lab.config import REGION, LabConfig

REPO = Path(__file__).resolve().parents[2]
CHANGED = re.compile(r"^\w+_vpc\s+:.*changed=(\d+)", re.MULTILINE)
SECONDS = 600.0
AT_LENGTH = pytest.mark.skipif(os.environ.get("ONEBOX_NETWORK") != "all", reason="takes long: ONEBOX_NETWORK=all")
ACCESS = {
    "AWS_ACCESS_KEY_ID": "onebox-bare-dummy-access-key",
    "AWS_SECRET_ACCESS_KEY": "onebox-bare-dummy-secret-key",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Account:
    """The API of one account at one moment; `folder` has its port and its log."""

    folder: Path

    @property
    def port(self) -> int:
        wait_for(self.folder / "state.json")
        return int(json.loads((self.folder / "state.json").read_text())["port"])

    def order(self, what: str, **parameters: Any) -> dict[str, Any]:
        return ask(LabConfig(name="bare", port=self.port), what, **parameters)

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id=ACCESS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ACCESS["AWS_SECRET_ACCESS_KEY"],
        )

    def calls(self, *, since: int = 0, mutating: bool = False) -> list[dict[str, Any]]:
        path = self.folder / "calls.jsonl"
        return list(read_journal(path, since=since, mutating=mutating)) if path.exists() else []

    def last_call(self) -> int:
        return max((call["n"] for call in self.calls()), default=0)

    def moments(self) -> list[Account]:
        """The account as it was after each call that changed something, in their order."""
        return [Account(path.parent) for path in sorted(self.folder.glob("*/state.json"))]

    def locked(self) -> bool:
        found = self.client("ssm").get_parameters_by_path(Path="/onebox", Recursive=True)["Parameters"]
        return any(one["Name"].endswith("/lock") for one in found)

    def things(self) -> Counter[str]:
        """Count everything but what AWS puts into every account, whoever made it and however it is tagged."""
        ec2, found = self.client("ec2"), Counter[str]()
        default = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"]]
        for what, key in (
            ("vpcs", "Vpcs"),
            ("subnets", "Subnets"),
            ("route_tables", "RouteTables"),
            ("security_groups", "SecurityGroups"),
            ("vpc_endpoints", "VpcEndpoints"),
            ("nat_gateways", "NatGateways"),
            ("network_interfaces", "NetworkInterfaces"),
        ):
            for item in getattr(ec2, f"describe_{what}")()[key]:
                if item["VpcId"] not in default and item.get("State") not in ("deleted", "deleting"):
                    found[what] += 1
        for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
            found["internet_gateways"] += not {a["VpcId"] for a in gateway["Attachments"]} & set(default)
        for reservation in ec2.describe_instances()["Reservations"]:
            found["instances"] += sum(one["State"]["Name"] != "terminated" for one in reservation["Instances"])
        for what, key in (("addresses", "Addresses"), ("key_pairs", "KeyPairs"), ("volumes", "Volumes")):
            found[what] = len(getattr(ec2, f"describe_{what}")()[key])
        found["launch_templates"] = len(ec2.describe_launch_templates()["LaunchTemplates"])
        ssm = self.client("ssm")
        found["parameters"] = len(ssm.get_parameters_by_path(Path="/onebox", Recursive=True)["Parameters"])
        return +found


@dataclass(frozen=True)
class Operator:
    """Somebody who types playbooks; `home` has the key pair and what the playbooks write."""

    account: Account
    home: Path
    environment: str = "alpha"
    strategy: str = "linear"

    def at(self, account: Account) -> Operator:
        """The same person, later or elsewhere: with the same key and no other memory."""
        home = account.folder / "home"
        home.mkdir()
        for half in ("id", "id.pub"):
            shutil.copy(self.home / half, home)
        return Operator(account, home)

    def start(self, *playbooks: str, extra: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> Run:
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANSIBLE_", "PYTHON"))}
        mark = f"ONEBOX_TEST_RUN={uuid.uuid4()}"
        keep |= ACCESS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.account.port}", "NO_COLOR": "1"}
        keep |= dict([mark.split("=")]) | {"ANSIBLE_STRATEGY": self.strategy}
        argv = [
            "ansible-playbook",
            *(f"playbooks/{name}.yml" for name in playbooks),
            "--limit",
            f"{self.environment}_vpc",
            *words,
        ]
        for variable in (f"build_dir={self.home}/{self.environment}", f"operator_ssh_key={self.home}/id", *extra):
            argv += ["--extra-vars", variable]
        said = self.home / f"{mark[-36:]}.log"
        with said.open("w") as out:
            process = subprocess.Popen(
                argv, cwd=REPO, env=keep, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
        return Run(process, said, mark)

    def play(self, *playbooks: str, extra: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> tuple[int, str]:
        """Run playbooks to their end; return the status and what they said."""
        return self.start(*playbooks, extra=extra, words=words).end()

    def succeeds(self, *playbooks: str, extra: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> str:
        status, said = self.play(*playbooks, extra=extra, words=words)
        assert status == 0, said
        return said

    def changes_nothing(self, *playbooks: str, extra: tuple[str, ...] = ()) -> None:
        """Neither by its own account, nor by the log of the API."""
        before = self.account.last_call()
        said = self.succeeds(*playbooks, extra=extra)
        assert set(CHANGED.findall(said)) == {"0"}, said
        assert [call["action"] for call in self.account.calls(since=before, mutating=True)] == []


def changed_tasks(said: str) -> list[str]:
    """The names of the tasks that changed something, or would, without the role's."""
    tasks = re.findall(r"^TASK \[(?:\w+ : )?(.+?)\] \*.*?(?=^TASK|^PLAY|\Z)", said, re.MULTILINE | re.DOTALL)
    bodies = re.split(r"^TASK \[.*$", said, flags=re.MULTILINE)[1:]
    return [name for name, body in zip(tasks, bodies, strict=True) if re.search(r"^changed: ", body, re.MULTILINE)]


@dataclass(frozen=True)
class Run:
    """A playbook under way."""

    process: subprocess.Popen[bytes]
    said: Path
    mark: str

    def end(self) -> tuple[int, str]:
        return self.process.wait(timeout=SECONDS), self.said.read_text()

    def kill(self) -> None:
        """SIGKILL, the workers too: they are leaders of sessions of their own, and would go on."""
        self.process.kill()
        while mine := [pid for pid in _processes() if self.mark.encode() in _environment(pid)]:
            for pid in mine:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()
            time.sleep(0.05)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _environment(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def wait_for(path: Path, seconds: float = SECONDS) -> None:
    """Wait until a file is there."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {path}"
        time.sleep(0.05)


@contextlib.contextmanager
def empty_account(folder: Path) -> Iterator[Operator]:
    """An account that nobody has used yet, and its operator."""
    folder.mkdir()
    home = folder / "home"
    home.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "id")], check=True)
    with (folder / "api.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.network.bare_api", str(folder)], cwd=REPO, stdout=log, stderr=log
        )
    account = Account(folder)
    try:
        wait_for(folder / "state.json", 60)
        yield Operator(account, home)
    finally:
        for one in [account, *account.moments()]:
            state = json.loads((one.folder / "state.json").read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(state["pid"], signal.SIGTERM)
        server.wait(timeout=30)
