"""One fault: how it is set on a living environment, and by what name the proof must report it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.operator import Operator, wait_for

FOLDER = Path(__file__).parent / "faults"
# The proof names a fault when it is among the first suspects, so many of them.
FIRST = 2


@dataclass(frozen=True)
class Fault:
    """A file of tests/mutations/faults; the keys are explained in its README."""

    name: str
    fault: str
    named: str
    machine: str = ""
    shell: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    reboots: str = ""
    person: str = ""
    undo: str = ""
    afterwards: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Fault:
        return cls(name=path.stem, **yaml.safe_load(path.read_text()))

    def is_named_in(self, report: dict[str, Any]) -> bool:
        return any(re.search(self.named, suspect["name"]) for suspect in report["suspects"][:FIRST])

    def inject(self, operator: Operator) -> dict[str, str]:
        """Set it; the ids that it used are needed to take it back."""
        known = identities(operator)
        before = boot_of(operator, self.reboots) if self.reboots else ""
        if self.shell:
            as_root(operator, self.machine, self.shell)
        for call in self.calls:
            make(operator, call, known)
        if self.reboots:
            wait_for(
                f"{self.reboots} is back", lambda: boot_of(operator, self.reboots) not in ("", before), seconds=120
            )
        return known

    def take_back(self, operator: Operator, known: dict[str, str]) -> None:
        """What only a person does, and what a run leaves behind."""
        if self.undo:
            as_root(operator, self.machine, self.undo)
        for call in self.afterwards:
            make(operator, call, known)


def every_fault() -> list[Fault]:
    return [Fault.read(path) for path in sorted(FOLDER.glob("*.yml"))]


def as_root(operator: Operator, tier: str, command: str) -> None:
    """On a machine, past SSH and its firewall, which the fault may be about."""
    machine = f"sidedish-playground-{tier}"
    argv = ["lab", "exec", "--name", operator.lab_name, machine, "--", "sh", "-c", command]
    operator.run(*argv, seconds=120, aws=False).check()


def boot_of(operator: Operator, tier: str) -> str:
    """When the first process of a machine began; nothing while it does not answer."""
    try:
        return operator.ssh(tier, "systemctl show --value --property=UserspaceTimestampMonotonic").strip()
    except AssertionError:
        return ""


def make(operator: Operator, call: dict[str, Any], known: dict[str, str]) -> None:
    """One call of the EC2 API; `$public.group` and its like stand for ids, `save` keeps some for later calls."""
    arguments = {key: value for key, value in call.items() if key not in ("call", "save")}
    answer = operation(operator, call["call"], filled(arguments, known))
    for name, path in call.get("save", {}).items():
        value = answer
        for key in path.split("."):
            value = value[int(key)] if key.isdigit() else value[key]
        known[name] = str(value)


def operation(operator: Operator, name: str, arguments: dict[str, Any]) -> Any:
    """A call of EC2; or one of two that must repeat the rules as they stand there, which no file knows."""
    if name in ("revoke_all_egress", "revoke_port"):
        (group,) = operator.ec2.describe_security_groups(GroupIds=[arguments["GroupId"]])["SecurityGroups"]
        port = arguments.pop("Port", None)
        rules = group["IpPermissionsEgress"] if port is None else group["IpPermissions"]
        arguments |= {"IpPermissions": [one for one in rules if port is None or one.get("FromPort") == port]}
        name = "revoke_security_group_egress" if port is None else "revoke_security_group_ingress"
    return getattr(operator.ec2, name)(**arguments)


def filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: filled(part, known) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, known) for part in value]
    return known[value[1:]] if isinstance(value, str) and value.startswith("$") else value


def identities(operator: Operator) -> dict[str, str]:
    """The ids of everything that faults speak of, by the names they use."""
    ec2: Any = operator.ec2
    known: dict[str, str] = {}
    for tier in ("public", "private"):
        machine = operator.machine(tier)
        subnet, vpc = machine["SubnetId"], machine["VpcId"]
        of_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
        (table,) = ec2.describe_route_tables(Filters=of_subnet)["RouteTables"]
        (acl,) = ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"]
        known |= {
            tier: machine["InstanceId"],
            f"{tier}.subnet": subnet,
            f"{tier}.group": machine["SecurityGroups"][0]["GroupId"],
            f"{tier}.table": table["RouteTableId"],
            f"{tier}.association": association_of(table, subnet, "RouteTableAssociationId"),
            f"{tier}.acl_association": association_of(acl, subnet, "NetworkAclAssociationId"),
            "vpc": vpc,
            "image": machine["ImageId"],
            "acl": acl["NetworkAclId"],
        }
    in_vpc = [{"Name": "vpc-id", "Values": [known["vpc"]]}]
    (gateway,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [known["vpc"]]}])[
        "InternetGateways"
    ]
    groups = ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"]
    endpoints = ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]
    addresses = [one for one in ec2.describe_addresses()["Addresses"] if one.get("InstanceId") == known["public"]]
    return known | {
        "gateway": gateway["InternetGatewayId"],
        "default_group": next(one["GroupId"] for one in groups if one["GroupName"] == "default"),
        "endpoint": next((one["VpcEndpointId"] for one in endpoints if one["State"].lower() == "available"), ""),
        "address": addresses[0]["AllocationId"],
        "address.association": addresses[0]["AssociationId"],
    }


def association_of(found: dict[str, Any], subnet: str, key: str) -> str:
    return next(str(one[key]) for one in found["Associations"] if one.get("SubnetId") == subnet)
