# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Find everything that belongs to one environment, and what is in its way."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from .ask import ask, by
from .audit import audit, by_tags
from .rules import found_rules

SINGULAR = {"addresses": "address"}
KEPT = ("snapshots", "database_snapshots")


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


def line(kind: str, item: dict[str, Any]) -> str:
    """Name a thing for people: what it is, its id, its name."""
    return f"{SINGULAR.get(kind, kind[:-1].replace('_', ' '))} {item['id']} {item['name']}".rstrip()


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
        found: dict[str, Any] = {"vpcs": self.vpcs(), **self.unbound()}
        vpc_ids = [vpc["id"] for vpc in found["vpcs"] if vpc["ours"]]
        found |= {"internet_gateways": self.gateways(vpc_ids)} | self.inside(vpc_ids)
        if self.auditors:
            clients = self.auditors | {"ec2": self.ec2}
            found |= audit(clients, name=self.name, identity=self.identity, vpc_ids=vpc_ids)
        found["kept"] = [f"{line(kind, item)}, {item['size_gb']} GiB" for kind in KEPT for item in found.get(kind, [])]
        found["belongings"] = sorted(self.lines(found, ours=True) + list(found["parameters"]))
        found["strangers"] = sorted(self.lines(found, ours=False))
        return found

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
            for attribute in ("DnsSupport", "DnsHostnames"):
                answer = self.ec2.describe_vpc_attribute(VpcId=item["id"], Attribute=f"enable{attribute}")
                item["dns"] = item["dns"] and answer[f"Enable{attribute}"]["Value"]
        return item

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
        addresses = ask(self.ec2, "describe_addresses", "Addresses")
        self.used["addresses"] = len(addresses)
        key_pairs = ask(self.ec2, "describe_key_pairs", "KeyPairs")
        volumes = ask(self.ec2, "describe_volumes", "Volumes", Filters=self.tagged)
        templates = ask(self.ec2, "describe_launch_templates", "LaunchTemplates")
        zones = ask(self.ec2, "describe_availability_zones", "AvailabilityZones", Filters=by(state="available"))
        parameters = ask(
            self.ssm, "get_parameters_by_path", "Parameters", Path=self.path, Recursive=True, WithDecryption=False
        )
        named = [self.item(pair, "KeyPairId", key_name=pair["KeyName"]) for pair in key_pairs]
        spots = [self.item(one, "LaunchTemplateId", template_name=one["LaunchTemplateName"]) for one in templates]
        return {
            "zones": sorted(zone["ZoneName"] for zone in zones),
            "addresses": [address for address in map(self.address, addresses) if address["ours"]],
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
                for volume in volumes
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
        subnets = ask(self.ec2, "describe_subnets", "Subnets", Filters=within)
        tables = ask(self.ec2, "describe_route_tables", "RouteTables", Filters=within)
        groups = ask(self.ec2, "describe_security_groups", "SecurityGroups", Filters=within)
        endpoints = ask(self.ec2, "describe_vpc_endpoints", "VpcEndpoints", Filters=within)
        interfaces = ask(self.ec2, "describe_network_interfaces", "NetworkInterfaces", Filters=within)
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

    @staticmethod
    def lines(found: dict[str, Any], *, ours: bool) -> list[str]:
        """List what is ours or not, leaving out what comes and goes with something else."""
        machines = {machine["id"] for machine in found["instances"]}
        return [
            line(kind, item)
            for kind, items in found.items()
            if isinstance(items, list) and kind not in KEPT
            for item in items
            if isinstance(item, dict)
            and item["ours"] is ours
            and not item.get("main")
            and item.get("group_name") != "default"
            and not item.get("managed")
            and item.get("instance_id", "") not in (machines if kind == "interfaces" else ())
            and (ours or kind not in ("vpcs", "databases", "load_balancers"))
        ]
