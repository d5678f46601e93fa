"""The lab that all conformance tests share, and a small site in it. Its name is fixed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import registry
from lab.compile.names import short
from lab.run import in_namespace, run
from tests.lab.living import lab, wait_for

NAME, PORT = "api", 4660
LONG = "600"  # seconds: longer than any test, so that a state under way stays until the pace is changed


class Site:
    """One VPC with a gateway, a machine at 10.8.1.10, its address, and a group that another group names."""

    def __init__(self, ec2: Any) -> None:
        self.ec2 = ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
        self.table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=self.table, SubnetId=self.subnet)
        ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
        self.used, self.named, self.idle = (self.group(name) for name in ("used", "named", "idle"))
        rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": self.named}]}
        ec2.authorize_security_group_ingress(GroupId=self.used, IpPermissions=[rule])
        self.image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])["Images"][0][
            "ImageId"
        ]
        self.machine = self.launch(PrivateIpAddress="10.8.1.10", SecurityGroupIds=[self.used])["InstanceId"]
        self.allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
        self.association = ec2.associate_address(AllocationId=self.allocation, InstanceId=self.machine)["AssociationId"]
        tables = ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}])["RouteTables"]
        self.main = next(one["RouteTableId"] for one in tables if one["VpcId"] == self.vpc)
        filters = [{"Name": "vpc-id", "Values": [self.vpc]}, {"Name": "group-name", "Values": ["default"]}]
        self.default = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]

    def group(self, name: str) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description="test", VpcId=self.vpc)["GroupId"])

    def launch(self, **wanted: Any) -> dict[str, Any]:
        terms = {"ImageId": self.image, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
        made: dict[str, Any] = self.ec2.run_instances(**{**terms, "SubnetId": self.subnet, **wanted})["Instances"][0]
        return made

    def instance(self, machine: str) -> dict[str, Any]:
        (reservation,) = self.ec2.describe_instances(InstanceIds=[machine])["Reservations"]
        told: dict[str, Any] = reservation["Instances"][0]
        return told

    def interface(self, nic: str) -> dict[str, Any]:
        (told,) = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[nic])["NetworkInterfaces"]
        found: dict[str, Any] = told
        return found

    def state(self, machine: str) -> str:
        return str(self.instance(machine)["State"]["Name"])

    def other_zone(self) -> str:
        """A zone in which the site's subnet is not."""
        own = self.ec2.describe_subnets(SubnetIds=[self.subnet])["Subnets"][0]["AvailabilityZone"]
        zones = self.ec2.describe_availability_zones()["AvailabilityZones"]
        return next(str(one["ZoneName"]) for one in zones if one["ZoneName"] != own)

    def ruleset_has(self, rule: str) -> bool:
        """Whether a rule is in force in the router of the site's VPC before long."""
        router = f"{registry.find(NAME).prefix}{short(self.vpc)}"
        return bool(wait_for(lambda: rule in run(in_namespace(router, ["nft", "list", "ruleset"])), rule))

    def route(self, destination: str) -> dict[str, Any]:
        (table,) = self.ec2.describe_route_tables(RouteTableIds=[self.table])["RouteTables"]
        (found,) = (one for one in table["Routes"] if one.get("DestinationCidrBlock") == destination)
        route: dict[str, Any] = found
        return route


def pace(seconds: str, *, late_ids: str = "0") -> None:
    """How long states take from now on, also for those under way, and for how long a new id is not found."""
    lab("up", "--name", NAME, "--slow-api", seconds, "--late-ids", late_ids)


def exhaust(name: str, *, spare: int = 0) -> None:
    """Set a quota so that only `spare` of it is left."""
    used = json.loads(lab("quota", "--name", NAME, "--json"))[name]["used"]
    lab("quota", "--name", NAME, f"{name}={used + spare}")


def refused(site: Site, action: str, **parameters: Any) -> str:
    """The error code of a call that must not succeed."""
    with pytest.raises(ClientError) as caught:
        getattr(site.ec2, action)(**parameters)
    return str(caught.value.response["Error"]["Code"])
