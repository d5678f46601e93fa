#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read in one call what the API declares about the machines of an environment and their network."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict
from botocore.exceptions import BotoCoreError, ClientError

DOCUMENTATION = r"""
module: reachability_declared
short_description: Read what the API declares about an environment
description:
  - Reads machines, Elastic IPs, route tables and security groups. Four modules of amazon.aws read the
    same, but to start a module takes a second, and to ask the API a few hundredths.
  - Changes nothing.
options:
  tags:
    description: The tags of the machines.
    type: dict
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author: Onebox
"""

RETURN = r"""
instances: {description: The machines that are not terminated., type: list, returned: always}
addresses: {description: Their Elastic IPs., type: list, returned: always}
route_tables: {description: The route tables of their VPC., type: list, returned: always}
security_groups: {description: The security groups of their VPC., type: list, returned: always}
nat_gateways: {description: The NAT gateways that a route leads to., type: list, returned: always}
"""

ALIVE = ["pending", "running", "stopping", "stopped"]


def ask(client: Any, operation: str, key: str, **filters: list[str]) -> list[dict[str, Any]]:
    """All that an operation lists, over all its pages, in the names that Ansible uses."""
    given = [{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()]
    pages = (
        client.get_paginator(operation).paginate(Filters=given)
        if client.can_paginate(operation)
        else [getattr(client, operation)(Filters=given)]
    )
    return [snake(item) for page in pages for item in page[key]]


def ask_gateways(client: Any, ids: list[str]) -> list[dict[str, Any]]:
    """This operation calls its filters Filter, and takes ids beside them."""
    return [snake(one) for one in client.describe_nat_gateways(NatGatewayIds=ids)["NatGateways"]]


def snake(item: dict[str, Any]) -> dict[str, Any]:
    tags = boto3_tag_list_to_ansible_dict(item.get("Tags") or [])
    found: dict[str, Any] = camel_dict_to_snake_dict({k: v for k, v in item.items() if k != "Tags"})
    return found | {"tags": tags}


def look(client: Any, tags: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The machines with these tags, and what decides about their packets."""
    tagged = {f"tag:{name}": [str(value)] for name, value in tags.items()}
    reservations = ask(client, "describe_instances", "Reservations", instance_state_name=ALIVE, **tagged)
    instances = [
        one | {"tags": boto3_tag_list_to_ansible_dict(one.get("tags") or [], "key", "value")}
        for reservation in reservations
        for one in reservation["instances"]
    ]
    if not instances:
        return {"instances": [], "addresses": [], "route_tables": [], "security_groups": [], "nat_gateways": []}
    ids = sorted({one["instance_id"] for one in instances})
    vpcs = sorted({one["vpc_id"] for one in instances})
    tables = ask(client, "describe_route_tables", "RouteTables", vpc_id=vpcs)
    gateways = sorted(
        {route["nat_gateway_id"] for one in tables for route in one["routes"] if "nat_gateway_id" in route}
    )
    return {
        "instances": instances,
        "addresses": ask(client, "describe_addresses", "Addresses", instance_id=ids),
        "route_tables": tables,
        # Where no route leads to one, there is no need to ask.
        "nat_gateways": ask_gateways(client, gateways) if gateways else [],
        "security_groups": ask(client, "describe_security_groups", "SecurityGroups", vpc_id=vpcs),
    }


def main() -> None:
    module = AnsibleAWSModule(argument_spec={"tags": {"type": "dict", "required": True}}, supports_check_mode=True)
    try:
        found = look(module.client("ec2"), module.params["tags"])
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg="The API did not say what it declares")
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
