"""Volumes and VPC endpoints, as EC2 keeps and refuses them."""

from __future__ import annotations

from typing import Any

from tests.lab.conformance.site import Site, refused

S3 = "com.amazonaws.ap-northeast-2.s3"


def test_a_volume_is_attached_once_in_its_own_zone_and_only_grows(site: Site) -> None:
    here = site.instance(site.machine)["Placement"]["AvailabilityZone"]
    one, far = (
        site.ec2.create_volume(AvailabilityZone=zone, Size=2, VolumeType="gp3")["VolumeId"]
        for zone in (here, site.other_zone())
    )
    wanted = {"InstanceId": site.machine, "Device": "/dev/sdf"}
    assert refused(site, "attach_volume", **wanted, VolumeId=far) == "InvalidVolume.ZoneMismatch"
    assert refused(site, "detach_volume", VolumeId=one) == "IncorrectState"
    site.ec2.attach_volume(**wanted, VolumeId=one)
    assert refused(site, "attach_volume", **wanted, VolumeId=one) == "VolumeInUse"
    assert refused(site, "delete_volume", VolumeId=one) == "VolumeInUse"
    assert refused(site, "modify_volume", VolumeId=one, Size=1) == "InvalidParameterValue"
    site.ec2.modify_volume(VolumeId=one, Size=3)
    site.ec2.detach_volume(VolumeId=one)
    for volume in (one, far):
        site.ec2.delete_volume(VolumeId=volume)
    assert refused(site, "delete_volume", VolumeId=one) == "InvalidVolume.NotFound"
    assert refused(site, "create_volume", AvailabilityZone="xx-none-1a", Size=1) == "InvalidZone.NotFound"


def test_the_root_volume_hangs_where_the_image_says(site: Site) -> None:
    told = site.instance(site.machine)
    assert [one["DeviceName"] for one in told["BlockDeviceMappings"]] == [told["RootDeviceName"]]


def through_endpoints(site: Site, table: str) -> list[str]:
    (told,) = site.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return [one["GatewayId"] for one in told["Routes"] if one.get("GatewayId", "").startswith("vpce-")]


def test_a_gateway_endpoint_and_its_routes_come_and_go_together(site: Site) -> None:
    other = site.ec2.create_route_table(VpcId=site.vpc)["RouteTable"]["RouteTableId"]
    terms: dict[str, Any] = {"VpcId": site.vpc, "ServiceName": S3, "RouteTableIds": [site.table]}
    made = site.ec2.create_vpc_endpoint(**terms)["VpcEndpoint"]
    endpoint = made["VpcEndpointId"]
    assert (made["VpcEndpointType"], through_endpoints(site, site.table)) == ("Gateway", [endpoint])
    assert refused(site, "create_vpc_endpoint", **terms) == "RouteAlreadyExists"
    nothing = {**terms, "ServiceName": "com.amazonaws.ap-northeast-2.nothing"}
    assert refused(site, "create_vpc_endpoint", **nothing) == "InvalidServiceName"
    site.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[other], RemoveRouteTableIds=[site.table])
    assert (through_endpoints(site, site.table), through_endpoints(site, other)) == ([], [endpoint])
    site.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument='{"Statement": []}')
    site.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, ResetPolicy=True)
    (told,) = site.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
    assert told["PolicyDocument"] == made["PolicyDocument"]
    assert site.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"] == []
    assert through_endpoints(site, other) == []
    (gone,) = site.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"]
    assert gone["Error"]["Code"] == "InvalidVpcEndpoint.NotFound"
    site.ec2.delete_route_table(RouteTableId=other)
