#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Say in one call what exists of an environment, and what is in its way."""

DOCUMENTATION = r"""
module: ec2_environment_info
short_description: Look at everything that belongs to one environment
description:
  - Answers in one module call what a dozen C(_info) modules would answer in a dozen. Starting a
    module costs more than a second, an API call a few hundredths.
  - Finds what carries the given tags, what carries the name of the VPC without them, and what
    stands inside the VPC without them.
  - Explains in words what is wrong with the credentials, the region or the permissions.
options:
  name:
    description: What the tag Name of everything begins with, for example C(sidedish-playground).
    type: str
    required: true
  identity:
    description: The tags that tell what belongs to the environment.
    type: dict
    required: true
  parameter_path:
    description: The folder of the environment in the SSM Parameter Store.
    type: str
    required: true
  account_id:
    description: The account that the credentials must belong to; empty for any.
    type: str
    default: ""
  lock:
    description:
      - C(take) claims the environment for this run, before it looks; C(release) gives it back, and
        does not look. Both are here because starting another module would cost more than a second.
      - In check mode nothing is claimed.
    type: str
    choices: [leave, take, release]
    default: leave
  held:
    description: The lock that an earlier task of this run has taken.
    type: str
    default: ""
  lock_minutes:
    description: After how long a lock counts as forgotten.
    type: int
    default: 30
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author: the Onebox authors
"""

EXAMPLES = r"""
- name: Look at what exists
  ec2_environment_info:
    name: sidedish-playground
    identity: {Service: sidedish, Environment: playground, ManagedBy: onebox}
    parameter_path: /onebox/sidedish/playground
  register: __aws_network_found
"""

RETURN = r"""
account_id: {description: The account of the credentials., type: str, returned: always}
lock: {description: "The lock that this run holds, or nothing.", type: str, returned: always}
zones: {description: The zones of the region that take new machines., type: list, returned: always}
vpcs:
  description: VPCs with the tags, and VPCs with the name but without the tags (C(ours) is false).
  type: list
  returned: always
internet_gateways: {description: "Gateways with the tags, or attached to the VPC.", type: list, returned: always}
subnets: {description: Subnets of the VPC., type: list, returned: always}
route_tables: {description: Route tables of the VPC., type: list, returned: always}
security_groups: {description: Groups of the VPC., type: list, returned: always}
interfaces: {description: Network interfaces of the VPC., type: list, returned: always}
instances: {description: Machines of the VPC that are not terminated., type: list, returned: always}
nat_gateways: {description: NAT gateways of the VPC that are not deleted., type: list, returned: always}
endpoints: {description: Endpoints of the VPC., type: list, returned: always}
addresses: {description: Elastic IPs with the tags., type: list, returned: always}
key_pairs: {description: Key pairs with the tags., type: list, returned: always}
volumes: {description: Disks with the tags., type: list, returned: always}
parameters:
  description: Names of the parameters; the value where it is no secret.
  type: dict
  returned: always
belongings: {description: "What belongs to the environment, one line each.", type: list, returned: always}
strangers:
  description: What stands in the VPC without belonging to the environment, one line each.
  type: list
  returned: always
"""

import contextlib
import datetime
import getpass
import json
import os
import socket
from pathlib import Path
from typing import Any

with contextlib.suppress(ImportError):  # AnsibleAWSModule says what is missing.
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

BAD_KEYS = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure")
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
SINGULAR = {"addresses": "address"}
FORBIDDEN = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")


@AWSRetry.jittered_backoff()  # type: ignore[untyped-decorator]  # Published without types.
def ask(client: Any, operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
    """Return all that an operation lists under a key, over all its pages."""
    if client.can_paginate(operation):
        answer = client.get_paginator(operation).paginate(**arguments).build_full_result()
    else:
        answer = getattr(client, operation)(**arguments)
    return list(answer.get(key, []))


def by(**filters: str | list[str]) -> list[dict[str, Any]]:
    """Write filters as EC2 wants them: vpc_id="vpc-1" is vpc-id."""
    return [
        {"Name": name.replace("_", "-"), "Values": [value] if isinstance(value, str) else value}
        for name, value in filters.items()
    ]


def routes(table: dict[str, Any]) -> dict[str, str]:
    """Say where a route table sends what, but for the VPC itself and for endpoints, which EC2 routes."""
    kinds = ("NatGateway", "Instance", "NetworkInterface", "TransitGateway", "VpcPeeringConnection", "Gateway")
    found = {}
    for route in table["Routes"]:
        destination = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        target = next((route[f"{kind}Id"] for kind in kinds if route.get(f"{kind}Id")), "nowhere")
        if destination and target != "local":
            found[destination] = target if route.get("State") == "active" else f"black hole {target}"
    return found


class Environment:
    """What exists of one environment."""

    def __init__(self, ec2: Any, ssm: Any, *, name: str, identity: dict[str, str], path: str) -> None:
        self.ec2, self.ssm, self.name, self.identity, self.path = ec2, ssm, name, identity, path
        self.tagged = [{"Name": f"tag:{key}", "Values": [value]} for key, value in identity.items()]

    def item(self, resource: dict[str, Any], identifier: str, **more: Any) -> dict[str, Any]:
        """Reduce an answer of EC2 to what the playbooks need."""
        tags = boto3_tag_list_to_ansible_dict(resource.get("Tags") or [])
        return {
            "id": resource[identifier],
            "name": tags.get("Name", ""),
            "tier": tags.get("Tier", ""),
            "ours": self.identity.items() <= tags.items(),
            **more,
        }

    def look(self) -> dict[str, Any]:
        """Ask for everything."""
        found: dict[str, Any] = {"vpcs": self.vpcs(), **self.unbound()}
        vpc_ids = [vpc["id"] for vpc in found["vpcs"] if vpc["ours"]]
        found |= {"internet_gateways": self.gateways(vpc_ids)} | self.inside(vpc_ids)
        found["belongings"] = sorted(self.lines(found, ours=True) + list(found["parameters"]))
        found["strangers"] = sorted(self.lines(found, ours=False))
        return found

    def vpcs(self) -> list[dict[str, Any]]:
        """Find the VPC by its tags, and others that only have its name."""
        named = by(**{"tag:Name": f"{self.name}-vpc"})
        answers = {
            vpc["VpcId"]: vpc
            for filters in (self.tagged, named)
            for vpc in ask(self.ec2, "describe_vpcs", "Vpcs", Filters=filters)
        }
        return [self.item(vpc, "VpcId", cidr=vpc["CidrBlock"]) for vpc in answers.values()]

    def gateways(self, vpc_ids: list[str]) -> list[dict[str, Any]]:
        """Find internet gateways by their tags, attached or not, and whatever is attached to the VPC."""
        attached = [by(**{"attachment.vpc-id": vpc_ids})] if vpc_ids else []
        answers = {
            gateway["InternetGatewayId"]: gateway
            for filters in (self.tagged, *attached)
            for gateway in ask(self.ec2, "describe_internet_gateways", "InternetGateways", Filters=filters)
        }
        return [
            self.item(g, "InternetGatewayId", vpc_id=next((a["VpcId"] for a in g["Attachments"]), ""))
            for g in answers.values()
        ]

    def unbound(self) -> dict[str, Any]:
        """Find what can exist without the VPC."""
        addresses = ask(self.ec2, "describe_addresses", "Addresses", Filters=self.tagged)
        key_pairs = ask(self.ec2, "describe_key_pairs", "KeyPairs", Filters=self.tagged)
        volumes = ask(self.ec2, "describe_volumes", "Volumes", Filters=self.tagged)
        zones = ask(self.ec2, "describe_availability_zones", "AvailabilityZones", Filters=by(state="available"))
        parameters = ask(
            self.ssm, "get_parameters_by_path", "Parameters", Path=self.path, Recursive=True, WithDecryption=False
        )
        return {
            "zones": sorted(zone["ZoneName"] for zone in zones),
            "addresses": [
                self.item(
                    address,
                    "AllocationId",
                    public_ip=address["PublicIp"],
                    instance_id=address.get("InstanceId") or "",
                    interface_id=address.get("NetworkInterfaceId") or "",
                )
                for address in addresses
            ],
            "key_pairs": [self.item(pair, "KeyPairId", key_name=pair["KeyName"]) for pair in key_pairs],
            "volumes": [self.item(volume, "VolumeId", size_gb=volume["Size"]) for volume in volumes],
            "parameters": {
                parameter["Name"]: "" if parameter["Type"] == "SecureString" else parameter["Value"]
                for parameter in parameters
                if parameter["Name"] != f"{self.path}/lock"
            },
        }

    def inside(self, vpc_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
        """Find everything that stands in the VPC, whoever made it."""
        if not vpc_ids:
            kinds = "subnets route_tables security_groups nat_gateways endpoints instances interfaces"
            return {kind: [] for kind in kinds.split()}
        within = by(vpc_id=vpc_ids)
        subnets = ask(self.ec2, "describe_subnets", "Subnets", Filters=within)
        tables = ask(self.ec2, "describe_route_tables", "RouteTables", Filters=within)
        groups = ask(self.ec2, "describe_security_groups", "SecurityGroups", Filters=within)
        endpoints = ask(self.ec2, "describe_vpc_endpoints", "VpcEndpoints", Filters=within)
        interfaces = ask(self.ec2, "describe_network_interfaces", "NetworkInterfaces", Filters=within)
        return {
            "subnets": [
                self.item(s, "SubnetId", cidr=s["CidrBlock"], zone=s["AvailabilityZone"], vpc_id=s["VpcId"])
                for s in subnets
            ],
            "route_tables": [
                self.item(
                    t,
                    "RouteTableId",
                    vpc_id=t["VpcId"],
                    main=any(a["Main"] for a in t["Associations"]),
                    subnets=sorted(a["SubnetId"] for a in t["Associations"] if a.get("SubnetId")),
                    routes=routes(t),
                )
                for t in tables
            ],
            "nat_gateways": self.nat_gateways(vpc_ids),
            "endpoints": [
                self.item(
                    e,
                    "VpcEndpointId",
                    service=e["ServiceName"].rpartition(".")[2],
                    route_tables=sorted(e.get("RouteTableIds", [])),
                )
                for e in endpoints
                if e["State"].lower() not in ("deleting", "deleted")
            ],
            "security_groups": [self.group(group) for group in groups],
            "interfaces": [
                self.item(
                    i,
                    "NetworkInterfaceId",
                    instance_id=i.get("Attachment", {}).get("InstanceId") or "",
                    # A gateway's interface comes and goes with it, and can carry no tags of ours.
                    managed=i.get("InterfaceType", "interface") != "interface",
                    description=i.get("Description") or "",
                )
                for i in interfaces
            ],
            "instances": self.machines(within),
        }

    def nat_gateways(self, vpc_ids: list[str]) -> list[dict[str, Any]]:
        """Find the NAT gateways of the VPC; a deleted or failed one is listed for an hour and costs nothing."""
        filters = by(vpc_id=vpc_ids, state=["pending", "available", "deleting"])
        gateways = ask(self.ec2, "describe_nat_gateways", "NatGateways", Filter=filters)
        return [
            self.item(
                gateway,
                "NatGatewayId",
                state=gateway["State"],
                subnet_id=gateway["SubnetId"],
                addresses=[a["AllocationId"] for a in gateway["NatGatewayAddresses"] if a.get("AllocationId")],
            )
            for gateway in gateways
        ]

    def group(self, group: dict[str, Any]) -> dict[str, Any]:
        """Describe a security group: whether it has rules, and whom they name."""
        rules = group.get("IpPermissions", []) + group.get("IpPermissionsEgress", [])
        return self.item(
            group,
            "GroupId",
            group_name=group["GroupName"],
            description=group["Description"],
            vpc_id=group["VpcId"],
            has_rules=bool(rules),
            names_groups=any(rule.get("UserIdGroupPairs") for rule in rules),
        )

    def machines(self, within: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Find the machines of the VPC that are not terminated."""
        states = by(instance_state_name=["pending", "running", "stopping", "stopped", "shutting-down"])
        reservations = ask(self.ec2, "describe_instances", "Reservations", Filters=within + states)
        return [
            self.item(
                machine,
                "InstanceId",
                state=machine["State"]["Name"],
                image_id=machine["ImageId"],
                type=machine["InstanceType"],
                private_ip=machine.get("PrivateIpAddress") or "",
                public_ip=machine.get("PublicIpAddress") or "",
                protected=self.protected(machine),
            )
            for reservation in reservations
            for machine in reservation["Instances"]
        ]

    def protected(self, machine: dict[str, Any]) -> bool:
        """Tell whether EC2 refuses to terminate a machine."""
        answer = self.ec2.describe_instance_attribute(
            InstanceId=machine["InstanceId"], Attribute="disableApiTermination"
        )
        return bool(answer["DisableApiTermination"]["Value"])

    @staticmethod
    def lines(found: dict[str, Any], *, ours: bool) -> list[str]:
        """List what is ours or not, leaving out what comes and goes with something else."""
        machines = {machine["id"] for machine in found["instances"]}
        return [
            f"{SINGULAR.get(kind, kind[:-1].replace('_', ' '))} {item['id']} {item['name']}".rstrip()
            for kind, items in found.items()
            if isinstance(items, list)
            for item in items
            if isinstance(item, dict)
            and item["ours"] is ours
            and not item.get("main")
            and item.get("group_name") != "default"
            and not item.get("managed")
            and item.get("instance_id", "") not in (machines if kind == "interfaces" else ())
            and (ours or kind != "vpcs")
        ]


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def started(pid: int) -> str:
    """Say when a process began, in ticks since the boot: a number is given again, this is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def runner() -> int:
    """Find the ansible-playbook that this module works for; its workers are called the same."""
    found, pid = 0, os.getppid()
    while pid > 0:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:2]
            if any(word.rpartition(b"/")[2] == b"ansible-playbook" for word in words):
                found = pid
        pid = parent(pid)
    return found


def this_run() -> dict[str, Any]:
    """Say who runs this, so that others can be told, and whether it still runs can be seen."""
    pid = runner()
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {
        "who": f"{getpass.getuser()}@{socket.gethostname()}",
        "pid": pid,
        "started": started(pid),
        "boot": boot.read_text(encoding="utf-8").strip() if boot.exists() else "",
        "space": str(Path("/proc/self/ns/pid").readlink()) if pid else "",
    }


def is_over(lock: dict[str, Any], run: dict[str, Any]) -> str:
    """Say why a lock no longer counts, or nothing. Of another machine's runs only the time is known."""
    if lock["until"] < now().isoformat():
        return "it has expired"
    if lock["who"] != run["who"] or not lock["pid"]:
        return ""
    if lock["boot"] != run["boot"]:
        return "this machine was restarted since"
    if lock["space"] == run["space"]:
        return "" if started(lock["pid"]) == lock["started"] else "that run has ended"
    for process in Path("/proc").glob("[0-9]*/ns/pid"):
        with contextlib.suppress(OSError):
            if str(process.readlink()) == lock["space"]:
                return ""
    return "that run has ended"


class Lock:
    """A parameter that says who is at work. PutParameter without Overwrite is atomic."""

    def __init__(self, ssm: Any, *, name: str, path: str, tags: dict[str, str], minutes: int) -> None:
        self.ssm, self.name, self.path, self.tags = ssm, name, path, tags
        self.run = this_run()
        since = now()
        until = since + datetime.timedelta(minutes=minutes)
        self.text = json.dumps(self.run | {"since": since.isoformat(timespec="seconds"), "until": until.isoformat()})

    def take(self) -> tuple[str, str]:
        """Return the lock, and whose lock had to be taken over and why; or stop with LockedError."""
        try:
            tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
            self.ssm.put_parameter(Name=self.path, Value=self.text, Type="String", Overwrite=False, Tags=tags)
            return self.text, ""
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterAlreadyExists":
                raise
        try:
            kept = self.ssm.get_parameter(Name=self.path)["Parameter"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            return self.take()  # It was given back this very moment.
        theirs = json.loads(kept["Value"])
        if self.run.items() <= theirs.items():
            return str(kept["Value"]), ""
        reason = is_over(theirs, self.run)
        if not reason:
            raise LockedError(self.complaint(theirs))
        version = self.ssm.put_parameter(Name=self.path, Value=self.text, Type="String", Overwrite=True)["Version"]
        if version != kept["Version"] + 1:  # Somebody else took it over a moment before.
            winner = self.ssm.get_parameter(Name=f"{self.path}:{kept['Version'] + 1}")["Parameter"]["Value"]
            self.ssm.put_parameter(Name=self.path, Value=winner, Type="String", Overwrite=True)
            raise LockedError(self.complaint(json.loads(winner)))
        return self.text, f"Took over the lock of {theirs['who']} since {theirs['since']}: {reason}."

    def complaint(self, theirs: dict[str, Any]) -> str:
        return (
            f"{theirs['who']} (process {theirs['pid']}) is at work on {self.name} since {theirs['since']}, and "
            f"two runs at once would make things twice. Wait until it has ended; its lock expires at "
            f"{theirs['until'][:19]} UTC. If you know that it was aborted: aws ssm delete-parameter --name {self.path}"
        )

    def release(self, held: str) -> None:
        """Give back what is ours. After its time it may be somebody else's, so only then it is read first."""
        with contextlib.suppress(self.ssm.exceptions.ParameterNotFound):
            late = json.loads(held)["until"] < now().isoformat()
            if not late or self.ssm.get_parameter(Name=self.path)["Parameter"]["Value"] == held:
                self.ssm.delete_parameter(Name=self.path)


class LockedError(Exception):
    """Somebody else is at work."""


def wrong_account(account: str, expected: str) -> str:
    """Say that these are the credentials of another account."""
    return (
        f"The credentials belong to the account {account}, but this service belongs to {expected}. Choose other "
        "credentials (AWS_PROFILE), or change expected_account_id in group_vars/all/aws.yml."
    )


def explain(error: Exception, region: str) -> str:
    """Say what is wrong with the access to AWS, why it stops us, and what to do."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if isinstance(error, NoCredentialsError):
        return (
            "No AWS credentials were found, and nothing can be asked or made without them. "
            "Name a profile (export AWS_PROFILE=...), or sign in (aws sso login), and run again."
        )
    if code in EXPIRED:
        return (
            f"The AWS credentials have expired ({code}), and AWS no longer answers them. "
            "Sign in again (aws sso login --profile ...), or fetch new keys, and run again."
        )
    if code in BAD_KEYS:
        return (
            f"AWS does not know these credentials in the region {region} ({code}: {error}). "
            "Check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, whether this machine's clock "
            "is right, and whether the region is switched on in the account."
        )
    if code in FORBIDDEN:
        return (
            f"These credentials may not do what the playbooks need ({error}). "
            "Give them the permissions of docs/iam-policy.json."
        )
    if isinstance(error, EndpointConnectionError):
        return (
            f"The API of the region {region} does not answer ({error}): there is no such region, or no way to it. "
            "Check aws_region in group_vars/all/aws.yml, AWS_ENDPOINT_URL, and the connection."
        )
    return f"Could not look at what exists in the region {region}: {error}"


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "identity": {"type": "dict", "required": True},
            "parameter_path": {"type": "str", "required": True},
            "account_id": {"type": "str", "default": ""},
            "lock": {"type": "str", "choices": ["leave", "take", "release"], "default": "leave"},
            "held": {"type": "str", "default": ""},
            "lock_minutes": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    identity = {key: str(value) for key, value in module.params["identity"].items()}
    held = module.params["held"]
    try:
        lock = Lock(
            module.client("ssm"),
            name=module.params["name"],
            path=f"{module.params['parameter_path']}/lock",
            tags=identity | {"Name": f"{module.params['name']}-lock"},
            minutes=module.params["lock_minutes"],
        )
        if module.params["lock"] == "release":
            if held and not module.check_mode:
                lock.release(held)
            module.exit_json(changed=False)
        account = module.client("sts").get_caller_identity()["Account"]
        if module.params["account_id"] not in ("", account):
            module.fail_json(msg=wrong_account(account, module.params["account_id"]))
        if module.params["lock"] == "take" and not held and not module.check_mode:
            held, taken_over = lock.take()
            if taken_over:
                module.warn(taken_over)
        environment = Environment(
            module.client("ec2"),
            module.client("ssm"),
            name=module.params["name"],
            identity=identity,
            path=module.params["parameter_path"],
        )
        found = environment.look()
    except LockedError as error:
        module.fail_json(msg=str(error))
    except (BotoCoreError, ClientError) as error:
        module.fail_json(msg=explain(error, str(module.region)), lock=held)
    module.exit_json(changed=False, account_id=account, lock=held, **found)


if __name__ == "__main__":
    main()
