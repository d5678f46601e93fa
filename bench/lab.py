"""How fast and how large the lab is: `sudo .venv/bin/python -m bench.lab`. Prints medians; asserts nothing.

`--image 'debian-14-amd64-*'` boots another system; its image is made first if it is not there.

Aims (docs/decisions.md): SSH within 5 s of RunInstances, a rule in force within 0.2 s, `lab up` within 3 s with an
image present, 500 interfaces and 2,000 rules compiled in under 1 s.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from lab import registry
from lab.compile.firewall import compile_firewall
from lab.compile.names import short
from lab.compile.routes import compile_routing
from lab.config import LabConfig
from lab.machines.cgroup import hierarchies
from lab.model import Interface, Route, RouteTable, Rule, SecurityGroup, Subnet, Vpc
from lab.run import CommandError, in_namespace, run
from tests.lab.living import banner, lab, living_lab, wait_for
from tests.lab.test_machines import Site

NAME, PORT = "bench", 4790
BOOTS, CHANGES = 5, 10
GIB = 1 << 30


def large_vpc(interfaces: int, rules: int) -> Vpc:
    """Interfaces in twenty groups that share the rules, half by prefix and half by group."""
    names = [f"sg-{number:017x}" for number in range(20)]
    groups = []
    for name in names:
        own = [Rule("tcp", port, port, cidr=IPv4Network("0.0.0.0/0")) for port in range(1, rules // 40 + 1)]
        own += [Rule("tcp", port, port, group_id=names[port % 20]) for port in range(1, rules // 40 + 1)]
        groups.append(SecurityGroup(name, "vpc-1", name, ingress=tuple(own)))
    cidr = IPv4Network("10.1.0.0/16")
    nics = tuple(
        Interface(
            f"eni-{n:017x}", "vpc-1", "subnet-1", f"i-{n:017x}", IPv4Address(cidr[n + 10]), "", None, (names[n % 20],)
        )
        for n in range(interfaces)
    )
    table = RouteTable("rtb-00000000000000001", "vpc-1", main=True, routes=(Route(cidr, "local"),))
    return Vpc(
        "vpc-1", "large", cidr, "r", "igw-1", (Subnet("subnet-1", "vpc-1", cidr),), tuple(groups), (table,), (), nics
    )


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def boots(site: Site, image_name: str) -> list[float]:
    """RunInstances to the first byte of sshd, on the address that the API gives with the machine."""
    taken = []
    site.ec2.modify_subnet_attribute(SubnetId=site.subnet, MapPublicIpOnLaunch={"Value": True})
    image = site.ec2.describe_images(Filters=[{"Name": "name", "Values": [image_name]}])["Images"][0]
    for _ in range(BOOTS):
        began = time.perf_counter()
        (one,) = site.ec2.run_instances(
            ImageId=image["ImageId"], MinCount=1, MaxCount=1, InstanceType="t3.micro", KeyName="tests",
            SubnetId=site.subnet, SecurityGroupIds=[site.group],
        )["Instances"]  # fmt: skip
        found = site.ec2.describe_instances(InstanceIds=[one["InstanceId"]])["Reservations"][0]["Instances"][0]
        wait_for(lambda: banner(found["PublicIpAddress"]), "sshd", seconds=900)  # noqa: B023  the lambda ends within this turn
        taken.append(time.perf_counter() - began)
        site.ec2.terminate_instances(InstanceIds=[one["InstanceId"]])
    return taken


def rule_changes(site: Site) -> list[float]:
    """From the API's answer to the first connection that passes, after the port was shut."""
    rule = {"GroupId": site.group, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
    taken = []
    for _ in range(CHANGES):
        site.ec2.revoke_security_group_ingress(**rule)
        wait_for(lambda: not reachable(site.address), "the port to shut")
        site.ec2.authorize_security_group_ingress(**rule)
        began = time.perf_counter()
        wait_for(lambda: reachable(site.address), "the port to open")
        taken.append(time.perf_counter() - began)
    return taken


def reachable(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=0.1):
            return True
    except OSError:
        return False


def environments(ec2: Any) -> list[str]:
    """Eight machines in four VPCs, as four environments have them; return their ids."""
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0]["ImageId"]
    made = []
    for number in range(1, 5):
        vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        for place in (1, 2):
            subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.{place}.0/24")["Subnet"]["SubnetId"]
            terms = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", "SubnetId": subnet}
            made.append(ec2.run_instances(**terms)["Instances"][0]["InstanceId"])
    return made


def listens(config: LabConfig, machine: str) -> bool:
    """Whether sshd listens in a machine that nobody reaches from outside."""
    try:
        return ":22 " in run(in_namespace(f"{config.prefix}{short(machine)}", ["ss", "-ltn"]))
    except CommandError:
        return False


def memory_of_machines(config: LabConfig) -> int:
    """What the kernel counts for the machines of a lab, in bytes: systemd and sshd, no service of ours."""
    for top in hierarchies():
        for name in ("memory.current", "memory.usage_in_bytes"):
            if (top / config.control_group / name).exists():
                return sum(int(one.read_text()) for one in (top / config.control_group).glob(f"i-*/{name}"))
    return 0


def memory_of_process(config: LabConfig) -> int:
    status = Path(f"/proc/{registry.daemon_pid(config)}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) << 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default="debian-13-amd64-*", help="the name of the image that is booted")
    image = parser.parse_args().image
    vpc = large_vpc(500, 2000)
    began = time.process_time()  # pure code: what else this computer does is no part of it
    compile_firewall(vpc), compile_routing(vpc)
    figures = {"compile 500 interfaces and 2,000 rules": time.process_time() - began}
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        lab("up", "--name", NAME, "--port", str(PORT))  # an image is present from here on
        lab("down", "--name", NAME)
        figures["lab up"] = seconds(lambda: lab("up", "--name", NAME, "--port", str(PORT)))
        with living_lab(NAME, PORT) as living:
            site = Site(living.ec2, key)
            wait_for(lambda: banner(site.address), "the first machine")
            figures["RunInstances to SSH"] = statistics.median(boots(site, image))
            figures["a rule in force"] = statistics.median(rule_changes(site))
            site.ec2.terminate_instances(InstanceIds=[site.machine])
            lab("quota", "--name", NAME, "vpcs=6")
            for machine in environments(site.ec2):
                wait_for(partial(listens, living.config, machine), "eight machines", seconds=300)
            figures["8 machines in 4 environments: the lab's process, GiB"] = memory_of_process(living.config) / GIB
            figures["8 machines in 4 environments: the machines, GiB"] = memory_of_machines(living.config) / GIB
        figures["lab down"] = seconds(lambda: lab("down", "--name", NAME))
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
