"""What a person does with Onebox: molecule, playbooks, ssh, a browser, and the API."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient

REPO = Path(__file__).resolve().parents[2]
LAB, PORT, ENVIRONMENT = "e2e", 4630, "playground"
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
SERVICE_TAGS = [
    {"Name": "tag:Service", "Values": ["sidedish"]},
    {"Name": "tag:Environment", "Values": [ENVIRONMENT]},
]


def wait_for(what: str, happened: Callable[[], object], *, seconds: float) -> float:
    """Ask until it is true, and say how long it took; too long is a failure that names it."""
    began = time.monotonic()
    while not happened():
        passed = time.monotonic() - began
        assert passed < seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.25)
    return time.monotonic() - began


class Run:
    """How a command ended."""

    def __init__(self, argv: list[str], environment: dict[str, str], seconds: float) -> None:
        self.argv = argv
        began = time.monotonic()
        done = subprocess.run(
            argv,
            cwd=REPO,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        self.seconds = time.monotonic() - began
        self.status, self.output = done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)

    def check(self) -> Run:
        tail = "\n".join(self.output.splitlines()[-80:])
        assert self.status == 0, f"{shlex.join(self.argv)} ended with {self.status}:\n{tail}"
        return self

    @property
    def changed(self) -> dict[str, int]:
        """Changed tasks by host, from the recap."""
        return {host: int(changed) for host, _, changed, _, _ in RECAP.findall(self.output)}


class Operator:
    """One person, one lab, one environment."""

    def __init__(self, lab_name: str = LAB, port: int = PORT, build: Path | None = None) -> None:
        self.lab_name, self.port = lab_name, port
        self.build = build or REPO / "build" / lab_name
        self.scratch = self.build.with_name(f"{lab_name}-molecule")
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
        self.environment = keep | {
            "ONEBOX_LAB_NAME": lab_name,
            "ONEBOX_LAB_PORT": str(port),
            "MOLECULE_EPHEMERAL_DIRECTORY": str(self.scratch),
            "NO_COLOR": "1",
        }
        # Ansible is slower with either of them.
        for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
            self.environment.pop(name, None)

    def forget(self) -> None:
        """Remove what is local; the report stays readable when a step failed."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def run(self, *argv: str, seconds: float = 600, aws: bool = True) -> Run:
        return Run(list(argv), self.environment | (self.aws if aws else {}), seconds)

    def lab(self, verb: str, *, check: bool = True) -> Run:
        done = self.run("lab", verb, "--name", self.lab_name, seconds=120, aws=False)
        return done.check() if check else done

    @cached_property
    def aws(self) -> dict[str, str]:
        """The only thing that Ansible learns of the lab."""
        text = Run(["lab", "env", "--name", self.lab_name, "--json"], self.environment, 30).check().output
        variables: dict[str, str] = json.loads(text)
        return variables

    def make_key(self) -> None:
        """The operator's key pair, where molecule has not made one."""
        self.build.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = self.build / "id_ed25519"
        if not key.exists():
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key), aws=False).check()

    def molecule(self, verb: str, *, seconds: float = 900) -> Run:
        return self.run("molecule", verb, "--scenario-name", "default", seconds=seconds, aws=False).check()

    def playbook(self, command: str, *more: str, seconds: float = 900) -> Run:
        """Run what the advice of verify.yml tells to type, with the local folder of this lab."""
        argv = [*shlex.split(command), *more]
        argv += ["--extra-vars", f"build_dir={self.build}"]
        argv += ["--extra-vars", f"operator_ssh_key={self.build}/id_ed25519"]
        return self.run(*argv, seconds=seconds)

    def play(self, name: str, *more: str, seconds: float = 900) -> Run:
        command = f"ansible-playbook playbooks/{name}.yml --limit {ENVIRONMENT}"
        return self.playbook(command, *more, seconds=seconds)

    def verify(self) -> tuple[Run, dict[str, Any]]:
        """Run the proof, and read its report."""
        report = self.build / "report/reachability.json"
        report.unlink(missing_ok=True)
        done = self.play("verify")
        assert report.exists(), done.output
        data: dict[str, Any] = json.loads(report.read_text())
        return done, data

    def ssh(self, machine: str, command: str) -> str:
        """Type a command on a machine, as a person would."""
        config = str(self.build / "ssh_config")
        options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "ControlPath=none"]
        return self.run("ssh", "-F", config, *options, machine, command, seconds=60).check().output

    def client(self, service: str) -> Any:
        aws = self.aws
        return boto3.client(
            service,  # type: ignore[call-overload]  # the name is not a literal
            endpoint_url=aws["AWS_ENDPOINT_URL"],
            region_name=aws["AWS_REGION"],
            aws_access_key_id=aws["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=aws["AWS_SECRET_ACCESS_KEY"],
        )

    @cached_property
    def ec2(self) -> EC2Client:
        client: EC2Client = self.client("ec2")
        return client

    @cached_property
    def ssm(self) -> SSMClient:
        client: SSMClient = self.client("ssm")
        return client

    def machine(self, tier: str) -> dict[str, Any]:
        """The machine of a tier, as the API describes it."""
        filters = [*SERVICE_TAGS, {"Name": "tag:Tier", "Values": [tier]}]
        filters.append({"Name": "instance-state-name", "Values": ["running"]})
        reservations = self.ec2.describe_instances(Filters=filters)["Reservations"]  # type: ignore[arg-type]
        (found,) = (machine for one in reservations for machine in one["Instances"])
        return dict(found)

    def page(self) -> tuple[int, str]:
        """What a browser shows at the public address."""
        url = f"http://{self.machine('public')['PublicIpAddress']}/"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            return 0, ""

    def leftovers(self) -> list[str]:
        """Everything the API still lists of the environment, and everything that costs money."""
        ec2, found = self.ec2, []
        for reservation in ec2.describe_instances()["Reservations"]:
            found += [i["InstanceId"] for i in reservation["Instances"] if i["State"]["Name"] != "terminated"]
        found += [address["AllocationId"] for address in ec2.describe_addresses()["Addresses"]]
        found += [volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]]
        found += [str(pair["KeyName"]) for pair in ec2.describe_key_pairs()["KeyPairs"]]
        found += [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
        for kind, key, identity in (
            ("subnets", "Subnets", "SubnetId"),
            ("internet_gateways", "InternetGateways", "InternetGatewayId"),
            ("route_tables", "RouteTables", "RouteTableId"),
            ("security_groups", "SecurityGroups", "GroupId"),
            ("network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
        ):
            answer: dict[str, Any] = getattr(ec2, f"describe_{kind}")(Filters=SERVICE_TAGS)
            found += [item[identity] for item in answer[key]]
        parameters = self.ssm.get_parameters_by_path(Path="/onebox", Recursive=True)["Parameters"]
        return found + [parameter["Name"] for parameter in parameters]
