"""Asks the lab that runs on this computer: its API, its log of calls, its machines, and the path to them."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
from typing import Any

import boto3

from lab import registry
from lab.api.journal import journal_path, read_journal
from lab.config import REGION, LabConfig
from lab.errors import LabError
from lab.run import run

SECONDS = 2
# Typed inside a machine; the words are the answers of `connect`.
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), {seconds}).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
except OSError:
    print("silent")
"""
# How the API calls a thing: operation, key in the answer.
LISTS = {
    "vpcs": ("describe_vpcs", "Vpcs"),
    "subnets": ("describe_subnets", "Subnets"),
    "internet_gateways": ("describe_internet_gateways", "InternetGateways"),
    "route_tables": ("describe_route_tables", "RouteTables"),
    "security_groups": ("describe_security_groups", "SecurityGroups"),
    "instances": ("describe_instances", "Reservations"),
    "addresses": ("describe_addresses", "Addresses"),
    "nat_gateways": ("describe_nat_gateways", "NatGateways"),
    "endpoints": ("describe_vpc_endpoints", "VpcEndpoints"),
    "key_pairs": ("describe_key_pairs", "KeyPairs"),
    "volumes": ("describe_volumes", "Volumes"),
    "databases": ("describe_db_instances", "DBInstances"),
    "database_subnets": ("describe_db_subnet_groups", "DBSubnetGroups"),
}


class Living:
    """Answers the questions of `World` from what is there now; the API is asked once for each list."""

    def __init__(self, name: str) -> None:
        self.config: LabConfig = registry.find(name)
        self._lists: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, question: tuple[str, ...]) -> Any:
        match question:
            case ("list", what):
                if what not in self._lists:
                    self._lists[what] = self._list(what)
                return self._lists[what]
            case ("calls",):
                return list(read_journal(journal_path(self.config), mutating=True))
            case ("connect", "outside", host, port):
                return self._connect(host, int(port))
            case ("connect", machine, host, port):
                script = CONNECT.format(seconds=SECONDS)
                return self._inside(machine, f"python3 -c {shlex.quote(script)} {host} {port}").strip()
            case ("run", machine, command):
                return self._inside(machine, command)
        raise ValueError(question)

    def _list(self, what: str) -> list[dict[str, Any]]:
        operation, key = LISTS[what]
        client: Any = boto3.client(
            "rds" if what.startswith("database") else "ec2",
            endpoint_url=self.config.endpoint_url,
            region_name=REGION,
            aws_access_key_id="onebox-learn",
            aws_secret_access_key="onebox-learn-dummy-secret",
        )
        found: list[dict[str, Any]] = getattr(client, operation)()[key]
        return [one for part in found for one in part["Instances"]] if what == "instances" else found

    def _connect(self, host: str, port: int) -> str:
        try:
            socket.create_connection((host, port), SECONDS).close()
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "silent"
        return "open"

    def _inside(self, machine: str, command: str) -> str:
        """Past SSH and firewall, as root, so that what is asked for cannot stand in the way."""
        lab = shutil.which("lab")
        if lab is None:
            raise LabError("the command `lab` is not there", hint="script/bootstrap makes it")
        root = [] if os.geteuid() == 0 else ["sudo", "--"]
        argv = [*root, lab, "exec", "--name", self.config.name, machine, "--", "sh", "-c", command]
        return run(argv, check=False, timeout_seconds=30)
