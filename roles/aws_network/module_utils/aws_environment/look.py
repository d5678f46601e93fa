# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Find everything that belongs to one environment, and what is in its way."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from .ask import ask, at_once, by
from .audit import audit, by_tags
from .lines import kept, lines
from .rules import found_rules


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

    def __init__(
        self, ec2: Any, ssm: Any, auditors: dict[str, Any], *, name: str, identity: dict[str, str], path: str
    ) -> None:
        self.ec2, self.ssm, self.name, self.identity, self.path = ec2, ssm, name, identity, path
        self.auditors = auditors  # clients that are asked in an audit only
        self.tagged = by_tags(identity)
        self.used: dict[str, int] = {}  # of what a quota counts, whoever made it

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
        first = at_once(vpcs=self.vpcs, unbound=self.unbound)
        found: dict[str, Any] = {"vpcs": first["vpcs"], **first["unbound"]}
        vpc_ids = [vpc["id"] for vpc in found["vpcs"] if vpc["ours"]]
        then = at_once(
            gateways=partial(self.gateways, vpc_ids),
            inside=partial(self.inside, vpc_ids),
            audit=partial(self.audit, vpc_ids),
        )
        found |= {"internet_gateways": then["gateways"]} | then["inside"] | then["audit"]
        return found | {
            "kept": kept(found),
            "belongings": sorted(lines(found, ours=True) + list(found["parameters"])),
            "strangers": sorted(lines(found, ours=False)),
        }

    def audit(self, vpc_ids: list[str]) -> dict[str, Any]:
        """Find what costs money and no other part of a look asks for, where an audit was asked for."""
        clients = self.auditors | {"ec2": self.ec2}
        return audit(clients, name=self.name, identity=self.identity, vpc_ids=vpc_ids) if self.auditors else {}

    def vpcs(self) -> list[dict[str, Any]]:
        """Find the VPC by its tags, and others that only have its name."""
        answers = ask(self.ec2, "describe_vpcs", "Vpcs")
        self.used["vpcs"] = len(answers)
        found = [self.vpc(vpc) for vpc in answers]
        return [vpc for vpc in found if vpc["ours"] or vpc["name"] == f"{self.name}-vpc"]

    def vpc(self, vpc: dict[str, Any]) -> dict[str, Any]:
        """Describe a VPC; whether it resolves and gives names is asked of ours only."""
        item = self.item(vpc, "VpcId", cidr=vpc["CidrBlock"], dns=True)
        if item["ours"]:
            names = ("DnsSupport", "DnsHostnames")
            answers = at_once(**{name: partial(self.attribute, item["id"], name) for name in names})
            item["dns"] = all(answers.values())
        return item

    def attribute(self, vpc_id: str, name: str) -> bool:
        answer = self.ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=f"enable{name}")
        return bool(answer[f"Enable{name}"]["Value"])

    def gateways(self, vpc_ids: list[str]) -> list[dict[str, Any]]:
        """Find internet gateways by their tags, attached or not, and whatever is attached to the VPC."""
        filters = {"tagged": self.tagged} | ({"attached": by(**{"attachment.vpc-id": vpc_ids})} if vpc_ids else {})
        asked = partial(ask, self.ec2, "describe_internet_gateways", "InternetGateways")
        lists = at_once(**{name: partial(asked, Filters=terms) for name, terms in filters.items()})
        answers = {gateway["InternetGatewayId"]: gateway for gateways in lists.values() for gateway in gateways}
        return [
            self.item(g, "InternetGatewayId", vpc_id=next((a["VpcId"] for a in g["Attachments"]), ""))
            for g in answers.values()
        ]

    def unbound(self) -> dict[str, Any]:
        """Find what can exist without the VPC."""
        answers = at_once(
            addresses=partial(ask, self.ec2, "describe_addresses", "Addresses"),
            key_pairs=partial(ask, self.ec2, "describe_key_pairs", "KeyPairs"),
            volumes=partial(ask, self.ec2, "describe_volumes", "Volumes", Filters=self.tagged),
            templates=partial(ask, self.ec2, "describe_launch_templates", "LaunchTemplates"),
            zones=partial(
                ask, self.ec2, "describe_availability_zones", "AvailabilityZones", Filters=by(state="available")
            ),
            parameters=partial(
                ask,
                self.ssm,
                "get_parameters_by_path",
                "Parameters",
                Path=self.path,
                Recursive=True,
                WithDecryption=False,
            ),
        )
        parameters = answers["parameters"]
        self.used["addresses"] = len(answers["addresses"])
        named = [self.item(pair, "KeyPairId", key_name=pair["KeyName"]) for pair in answers["key_pairs"]]
        spots = [
            self.item(one, "LaunchTemplateId", template_name=one["LaunchTemplateName"]) for one in answers["templates"]
        ]
        return {
            "zones": sorted(zone["ZoneName"] for zone in answers["zones"]),
            "addresses": [address for address in map(self.address, answers["addresses"]) if address["ours"]],
            "key_pairs": [pair for pair in named if pair["ours"]],
            "launch_templates": [spot for spot in spots if spot["ours"]],
            "namesakes": [
                f"{what} {one['id']} {name}"
                for what, key, name, items in (
                    ("key pair", "key_name", self.name, named),
                    ("launch template", "template_name", f"{self.name}-spot", spots),
                )
                for one in items
                if one[key] == name and not one["ours"]
            ],
            "volumes": [
                self.item(
                    volume,
                    "VolumeId",
                    size_gb=volume["Size"],
                    machine_id=next((a["InstanceId"] for a in volume["Attachments"]), ""),
                )
                for volume in answers["volumes"]
            ],
            "locked": any(parameter["Name"] == f"{self.path}/lock" for parameter in parameters),
            "parameters": {
                parameter["Name"]: "" if parameter["Type"] == "SecureString" else parameter["Value"]
                for parameter in parameters
                if parameter["Name"] != f"{self.path}/lock"
            },
        }

    def address(self, address: dict[str, Any]) -> dict[str, Any]:
        return self.item(
            address,
            "AllocationId",
            public_ip=address["PublicIp"],
            instance_id=address.get("InstanceId") or "",
            interface_id=address.get("NetworkInterfaceId") or "",
        )

    def inside(self, vpc_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
        """Find everything that stands in the VPC, whoever made it."""
        if not vpc_ids:
            kinds = "subnets route_tables security_groups nat_gateways endpoints instances interfaces"
            return {kind: [] for kind in kinds.split()}
        within = by(vpc_id=vpc_ids)
        answers = at_once(
            subnets=partial(ask, self.ec2, "describe_subnets", "Subnets", Filters=within),
            tables=partial(ask, self.ec2, "describe_route_tables", "RouteTables", Filters=within),
            groups=partial(ask, self.ec2, "describe_security_groups", "SecurityGroups", Filters=within),
            endpoints=partial(ask, self.ec2, "describe_vpc_endpoints", "VpcEndpoints", Filters=within),
            interfaces=partial(ask, self.ec2, "describe_network_interfaces", "NetworkInterfaces", Filters=within),
            nat_gateways=partial(self.nat_gateways, vpc_ids),
            instances=partial(self.machines, within),
        )
        groups = answers["groups"]
        return {
            "subnets": [
                self.item(
                    s,
                    "SubnetId",
                    cidr=s["CidrBlock"],
                    zone=s["AvailabilityZone"],
                    vpc_id=s["VpcId"],
                    map_public=s["MapPublicIpOnLaunch"],
                )
                for s in answers["subnets"]
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
                for t in answers["tables"]
            ],
            "nat_gateways": answers["nat_gateways"],
            "endpoints": [
                self.item(
                    e,
                    "VpcEndpointId",
                    service=e["ServiceName"].rpartition(".")[2],
                    route_tables=sorted(e.get("RouteTableIds", [])),
                )
                for e in answers["endpoints"]
                if e["State"].lower() not in ("deleting", "deleted")
            ],
            "security_groups": [
                self.group(group, {group["GroupId"]: group["GroupName"] for group in groups}) for group in groups
            ],
            "interfaces": [
                self.item(
                    i,
                    "NetworkInterfaceId",
                    instance_id=i.get("Attachment", {}).get("InstanceId") or "",
                    # A gateway's interface comes and goes with it, and can carry no tags of ours.
                    managed=i.get("InterfaceType", "interface") != "interface",
                    description=i.get("Description") or "",
                )
                for i in answers["interfaces"]
            ],
            "instances": answers["instances"],
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

    def group(self, group: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
        """Describe a security group: its rules, and whether they name other groups."""
        rules = group.get("IpPermissions", []) + group.get("IpPermissionsEgress", [])
        return self.item(
            group,
            "GroupId",
            group_name=group["GroupName"],
            description=group["Description"],
            vpc_id=group["VpcId"],
            has_rules=bool(rules),
            rules=sorted(found_rules(group, names)),
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
                group_ids=sorted(group["GroupId"] for group in machine["SecurityGroups"]),
                source_dest_check=machine.get("SourceDestCheck", True),
                imds_v2=machine.get("MetadataOptions", {}).get("HttpTokens") == "required",
                spot=machine.get("InstanceLifecycle") == "spot",
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
