"""Routes and what they lead to, as EC2 reports and refuses them."""

from __future__ import annotations

import pytest

from tests.lab.conformance.site import Site, refused


def test_source_dest_check_is_one_attribute(site: Site) -> None:
    for value in (False, True):
        site.ec2.modify_instance_attribute(InstanceId=site.machine, SourceDestCheck={"Value": value})
        (reservation,) = site.ec2.describe_instances(InstanceIds=[site.machine])["Reservations"]
        (nic,) = reservation["Instances"][0]["NetworkInterfaces"]
        (same,) = site.ec2.describe_network_interfaces(NetworkInterfaceIds=[nic["NetworkInterfaceId"]])[
            "NetworkInterfaces"
        ]
        asked = site.ec2.describe_instance_attribute(InstanceId=site.machine, Attribute="sourceDestCheck")
        told = (same["SourceDestCheck"], nic["SourceDestCheck"], asked["SourceDestCheck"]["Value"])
        assert told == (value, value, value)


def test_a_route_to_a_machine_names_its_interface_and_goes_black_with_it(site: Site) -> None:
    machine = site.launch()
    nic = machine["NetworkInterfaces"][0]["NetworkInterfaceId"]
    route = {"RouteTableId": site.table, "DestinationCidrBlock": "192.0.2.0/24"}
    site.ec2.create_route(**route, InstanceId=machine["InstanceId"])
    told = site.route("192.0.2.0/24")
    assert (told["InstanceId"], told["NetworkInterfaceId"], told["State"]) == (machine["InstanceId"], nic, "active")
    site.ec2.terminate_instances(InstanceIds=[machine["InstanceId"]])
    assert site.route("192.0.2.0/24")["State"] == "blackhole"
    site.ec2.delete_route(**route)


def test_a_route_to_a_gateway_that_was_detached_is_black(site: Site) -> None:
    vpc = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    gateway = site.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    site.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    (table,) = site.ec2.describe_route_tables(Filters=filters)["RouteTables"]
    route = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/0"}
    site.ec2.create_route(**route, GatewayId=gateway)
    site.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    (table,) = site.ec2.describe_route_tables(Filters=filters)["RouteTables"]
    assert [one["State"] for one in table["Routes"] if one.get("GatewayId") == gateway] == ["blackhole"]
    site.ec2.delete_internet_gateway(InternetGatewayId=gateway)
    site.ec2.delete_vpc(VpcId=vpc)


ROUTES = {
    "no destination": ("create_route", "RouteTableId=table GatewayId=gateway", "MissingParameter"),
    "no target": ("create_route", "RouteTableId=table DestinationCidrBlock=192.0.2.0/24", "MissingParameter"),
    "two targets": (
        "create_route", "RouteTableId=table DestinationCidrBlock=192.0.2.0/24 GatewayId=gateway InstanceId=machine",
        "InvalidParameterCombination",
    ),
    "no range": (
        "create_route", "RouteTableId=table DestinationCidrBlock=10.0.0.0/33 GatewayId=gateway",
        "InvalidParameterValue",
    ),
    "a NAT gateway of nobody": (
        "create_route", "RouteTableId=table DestinationCidrBlock=192.0.2.0/24 NatGatewayId=nat-00000000000000000",
        "InvalidNatGatewayID.NotFound",
    ),
    "a destination that is taken": (
        "create_route", "RouteTableId=table DestinationCidrBlock=0.0.0.0/0 InstanceId=machine", "RouteAlreadyExists",
    ),
    "out of the VPC for what is inside": (
        "create_route", "RouteTableId=table DestinationCidrBlock=10.8.1.0/24 GatewayId=gateway",
        "InvalidParameterValue",
    ),
    "the VPC's own range": (
        "create_route", "RouteTableId=table DestinationCidrBlock=10.8.0.0/16 InstanceId=machine", "RouteAlreadyExists",
    ),
    "a change of what is not there": (
        "replace_route", "RouteTableId=table DestinationCidrBlock=192.0.2.0/24 GatewayId=gateway",
        "InvalidParameterValue",
    ),
    "the end of what is not there": (
        "delete_route", "RouteTableId=table DestinationCidrBlock=192.0.2.0/24", "InvalidRoute.NotFound",
    ),
    "the end of the local route": (
        "delete_route", "RouteTableId=table DestinationCidrBlock=10.8.0.0/16", "InvalidParameterValue",
    ),
    "the end of the main table": ("delete_route_table", "RouteTableId=main", "DependencyViolation"),
    "a table of its own for a subnet that has one": (
        "associate_route_table", "RouteTableId=main SubnetId=subnet", "Resource.AlreadyAssociated",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ROUTES)
def test_a_route_that_cannot_be(site: Site, what: str) -> None:
    action, words, code = ROUTES[what]
    parameters = {key: getattr(site, name, name) for key, _, name in (word.partition("=") for word in words.split())}
    assert refused(site, action, **parameters) == code


def test_the_main_association_stays(site: Site) -> None:
    (table,) = site.ec2.describe_route_tables(RouteTableIds=[site.main])["RouteTables"]
    (main,) = (one["RouteTableAssociationId"] for one in table["Associations"] if one["Main"])
    assert refused(site, "disassociate_route_table", AssociationId=main) == "InvalidParameterValue"


def test_a_subnet_that_is_deleted_lets_its_table_go(site: Site) -> None:
    subnet = site.ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.8.31.7/24")["Subnet"]
    assert subnet["CidrBlock"] == "10.8.31.0/24"
    table = site.ec2.create_route_table(VpcId=site.vpc)["RouteTable"]["RouteTableId"]
    site.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])
    site.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    site.ec2.delete_route_table(RouteTableId=table)
