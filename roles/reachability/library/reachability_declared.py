#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read in one call what the API declares about the machines of a service and their network."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible.module_utils.reachability import asked
from ansible.module_utils.reachability.paths.read import read
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict
from botocore.exceptions import BotoCoreError, ClientError

DOCUMENTATION = r"""
module: reachability_declared
short_description: Read what the API declares about an environment
description:
  - Reads everything that decides about packets in the VPCs of a service, in one call. Modules of
    amazon.aws read the same, but to start a module takes a second, and to ask the API a few hundredths.
  - Changes nothing.
options:
  service:
    description: Value of the tag C(Service) of the VPCs.
    type: str
    required: true
  environment:
    description: Value of the tag C(Environment) of the machines that are returned as C(instances).
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author: Onebox
"""

RETURN = r"""
instances: {description: The machines of the environment that are not terminated., type: list, returned: always}
others: {description: All other machines in the VPCs of the service., type: list, returned: always}
vpcs: {description: The VPCs of the service with their DNS attribute., type: list, returned: always}
subnets: {description: Their subnets., type: list, returned: always}
route_tables: {description: Their route tables., type: list, returned: always}
network_acls: {description: Their network ACLs., type: list, returned: always}
security_groups: {description: Their security groups., type: list, returned: always}
network_interfaces: {description: Their network interfaces., type: list, returned: always}
internet_gateways: {description: The internet gateways attached to them., type: list, returned: always}
nat_gateways: {description: Their NAT gateways that are not deleted., type: list, returned: always}
endpoints: {description: Their VPC endpoints., type: list, returned: always}
addresses: {description: The Elastic IPs of the account., type: list, returned: always}
asked_at: {description: When it began, in seconds since 1970., type: float, returned: always}
neighbour: {description: A machine of another environment and what it knows ours by., type: dict, returned: always}
prefix_lists: {description: The prefix lists that their routes and rules name., type: list, returned: always}
"""

ALIVE = ["pending", "running", "stopping", "stopped"]
# What is listed of a VPC: the operation, its answer's key, and how its filter is called.
OF_A_VPC = {
    "subnets": ("describe_subnets", "Subnets", "vpc-id"),
    "route_tables": ("describe_route_tables", "RouteTables", "vpc-id"),
    "network_acls": ("describe_network_acls", "NetworkAcls", "vpc-id"),
    "security_groups": ("describe_security_groups", "SecurityGroups", "vpc-id"),
    "network_interfaces": ("describe_network_interfaces", "NetworkInterfaces", "vpc-id"),
    "internet_gateways": ("describe_internet_gateways", "InternetGateways", "attachment.vpc-id"),
    "nat_gateways": ("describe_nat_gateways", "NatGateways", "vpc-id"),
    "endpoints": ("describe_vpc_endpoints", "VpcEndpoints", "vpc-id"),
}
AT_ONCE = 4


def ask(client: Any, operation: str, key: str, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
    """All that an operation lists, over all its pages, in the names that Ansible uses."""
    given = [{"Name": name, "Values": values} for name, values in filters.items()]
    word = "Filter" if operation == "describe_nat_gateways" else "Filters"
    if client.can_paginate(operation):
        pages = client.get_paginator(operation).paginate(**{word: given})
    else:
        pages = [getattr(client, operation)(**{word: given})]
    return [snake(item) for page in pages for item in page[key]]


def snake(item: dict[str, Any]) -> dict[str, Any]:
    tags = boto3_tag_list_to_ansible_dict(item.get("Tags") or item.get("TagSet") or [])
    found: dict[str, Any] = camel_dict_to_snake_dict({k: v for k, v in item.items() if k not in ("Tags", "TagSet")})
    return found | {"tags": tags}


def look_at_machines(client: Any, vpcs: list[str]) -> list[dict[str, Any]]:
    filters = {"vpc-id": vpcs, "instance-state-name": ALIVE}
    return [
        one | {"tags": boto3_tag_list_to_ansible_dict(one.get("tags") or [], "key", "value")}
        for reservation in ask(client, "describe_instances", "Reservations", filters)
        for one in reservation["instances"]
    ]


def resolves(client: Any, vpc: str) -> bool:
    answer = client.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")
    return bool(answer["EnableDnsSupport"]["Value"])


def named_lists(client: Any, found: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The prefix lists that routes and rules name, with their ranges."""
    routes = [route.get("destination_prefix_list_id") for table in found["route_tables"] for route in table["routes"]]
    rules = [
        one["prefix_list_id"]
        for group in found["security_groups"]
        for permission in group["ip_permissions"] + group["ip_permissions_egress"]
        for one in permission.get("prefix_list_ids", [])
    ]
    lists = sorted({one for one in [*routes, *rules] if one})
    if not lists:
        return []
    described = ask(client, "describe_managed_prefix_lists", "PrefixLists", {"prefix-list-id": lists})
    entries = client.get_paginator("get_managed_prefix_list_entries")
    return [
        one
        | {
            "cidrs": [
                entry["Cidr"]
                for page in entries.paginate(PrefixListId=one["prefix_list_id"])
                for entry in page["Entries"]
            ]
        }
        for one in described
    ]


def look(client: Any, service: str, environment: str) -> dict[str, list[dict[str, Any]]]:
    """The VPCs of a service, and what decides about packets in them."""
    vpcs = ask(client, "describe_vpcs", "Vpcs", {"tag:Service": [service]})
    ids = sorted(one["vpc_id"] for one in vpcs)
    if not ids:
        nothing: list[dict[str, Any]] = []
        return dict.fromkeys((*OF_A_VPC, "vpcs", "addresses", "instances", "others", "prefix_lists"), nothing)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        listed = {
            name: pool.submit(ask, client, operation, key, {word: ids})
            for name, (operation, key, word) in OF_A_VPC.items()
        }
        machines = pool.submit(look_at_machines, client, ids)
        addresses = pool.submit(ask, client, "describe_addresses", "Addresses", {})
        resolving = list(pool.map(lambda one: resolves(client, one["vpc_id"]), vpcs))
        found = {name: one.result() for name, one in listed.items()}
    ours = [one for one in machines.result() if one["tags"].get("Environment") == environment]
    return {
        **found,
        "nat_gateways": [one for one in found["nat_gateways"] if one["state"] not in ("deleted", "failed")],
        "vpcs": [one | {"enable_dns_support": answer} for one, answer in zip(vpcs, resolving)],
        "addresses": addresses.result(),
        "instances": ours,
        "others": [one for one in machines.result() if one not in ours],
        "prefix_lists": named_lists(client, found),
    }


def main() -> None:
    spec = {"service": {"type": "str", "required": True}, "environment": {"type": "str", "required": True}}
    module = AnsibleAWSModule(argument_spec=spec, supports_check_mode=True)
    began = time.time()
    try:
        found = look(module.client("ec2"), module.params["service"], module.params["environment"])
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg="The API did not say what it declares")
    neighbour = asked.neighbour(read(found, module.params["environment"])) if found["vpcs"] else {}
    module.exit_json(changed=False, asked_at=began, neighbour=neighbour, **found)


if __name__ == "__main__":
    main()
