"""Network interfaces: where they may be attached, their addresses, and Elastic IPs of each address."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.lab.conformance.site import Site, refused


@pytest.fixture
def machine(site: Site) -> Iterator[str]:
    made = str(site.launch()["InstanceId"])
    site.instance(made)
    yield made
    site.ec2.terminate_instances(InstanceIds=[made])
    site.ec2.describe_instances(InstanceIds=[made])


# Never one twice: an address that was given back may be the next that EC2 chooses for somebody else.
CHOSEN = (f"10.8.1.{host}" for host in itertools.count(200))


@pytest.fixture
def nic(site: Site) -> Iterator[str]:
    wanted = {"SubnetId": site.subnet, "PrivateIpAddress": next(CHOSEN)}
    made = site.ec2.create_network_interface(**wanted)["NetworkInterface"]
    yield made["NetworkInterfaceId"]
    site.ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])


ADDRESSES = {
    "10.8.1.10": "InvalidIPAddress.InUse",
    "10.8.9.10": "InvalidParameterValue",
    "10.8.1.2": "InvalidParameterValue",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_interface_takes_only_a_free_address_of_its_subnet(site: Site, address: str) -> None:
    wanted = {"SubnetId": site.subnet, "PrivateIpAddress": address}
    assert refused(site, "create_network_interface", **wanted) == ADDRESSES[address]


def test_an_interface_is_attached_once_where_there_is_room(site: Site, machine: str, nic: str) -> None:
    attach = {"NetworkInterfaceId": nic, "InstanceId": machine}
    assert refused(site, "attach_network_interface", **attach, DeviceIndex=0) == "InvalidParameterValue"
    elsewhere = site.ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.8.40.0/24", AvailabilityZone=site.other_zone())[
        "Subnet"
    ]["SubnetId"]
    far, third = (
        site.ec2.create_network_interface(SubnetId=one)["NetworkInterface"]["NetworkInterfaceId"]
        for one in (elsewhere, site.subnet)
    )
    wanted = {"NetworkInterfaceId": far, "InstanceId": machine, "DeviceIndex": 1}
    assert refused(site, "attach_network_interface", **wanted) == "InvalidParameterCombination"
    attachment = site.ec2.attach_network_interface(**attach, DeviceIndex=1)["AttachmentId"]
    assert refused(site, "attach_network_interface", **attach, DeviceIndex=2) == "InvalidNetworkInterface.InUse"
    wanted = {"NetworkInterfaceId": third, "InstanceId": machine, "DeviceIndex": 2}
    assert refused(site, "attach_network_interface", **wanted) == "AttachmentLimitExceeded"
    told = site.interface(nic)
    assert (told["Status"], told["Attachment"]["InstanceId"], told["Attachment"]["DeviceIndex"]) == (
        "in-use", machine, 1,
    )  # fmt: skip
    assert len(site.instance(machine)["NetworkInterfaces"]) == 2
    route = {"RouteTableId": site.table, "DestinationCidrBlock": "192.0.2.0/24"}
    assert refused(site, "create_route", **route, InstanceId=machine) == "InvalidInstanceID"
    wanted = {"AllocationId": site.allocation, "InstanceId": machine}
    assert refused(site, "associate_address", **wanted) == "InvalidInstanceID"
    primary = next(
        one["Attachment"]["AttachmentId"]
        for one in site.instance(machine)["NetworkInterfaces"]
        if one["Attachment"]["DeviceIndex"] == 0
    )
    assert refused(site, "detach_network_interface", AttachmentId=primary) == "OperationNotPermitted"
    site.ec2.detach_network_interface(AttachmentId=attachment)
    assert site.interface(nic)["Status"] == "available"
    for one in (far, third):
        site.ec2.delete_network_interface(NetworkInterfaceId=one)
    site.ec2.delete_subnet(SubnetId=elsewhere)


def test_secondary_addresses_have_limits_and_elastic_ips_of_their_own(site: Site, machine: str, nic: str) -> None:
    attach = {"NetworkInterfaceId": nic, "InstanceId": machine, "DeviceIndex": 1}
    primary, secondary = site.interface(nic)["PrivateIpAddress"], next(CHOSEN)
    attachment = site.ec2.attach_network_interface(**attach)["AttachmentId"]
    site.ec2.assign_private_ip_addresses(NetworkInterfaceId=nic, PrivateIpAddresses=[secondary])
    more = {"NetworkInterfaceId": nic, "SecondaryPrivateIpAddressCount": 5}
    assert refused(site, "assign_private_ip_addresses", **more) == "PrivateIpAddressLimitExceeded"
    first, second = (site.ec2.allocate_address(Domain="vpc") for _ in range(2))
    site.ec2.associate_address(AllocationId=first["AllocationId"], NetworkInterfaceId=nic)
    made = site.ec2.associate_address(
        AllocationId=second["AllocationId"], NetworkInterfaceId=nic, PrivateIpAddress=secondary
    )
    told = {
        one["PrivateIpAddress"]: one["Association"]["PublicIp"] for one in site.interface(nic)["PrivateIpAddresses"]
    }
    assert told == {primary: first["PublicIp"], secondary: second["PublicIp"]}
    site.ec2.disassociate_address(AssociationId=made["AssociationId"])
    assert site.interface(nic)["Association"]["PublicIp"] == first["PublicIp"]
    wanted = {"NetworkInterfaceId": nic, "PrivateIpAddresses": [primary]}
    assert refused(site, "unassign_private_ip_addresses", **wanted) == "InvalidParameterValue"
    site.ec2.unassign_private_ip_addresses(NetworkInterfaceId=nic, PrivateIpAddresses=[secondary])
    site.ec2.detach_network_interface(AttachmentId=attachment)
    assert site.interface(nic)["Association"]["PublicIp"] == first["PublicIp"], "it stays with the interface"
    site.ec2.disassociate_address(PublicIp=first["PublicIp"])
    for one in (first, second):
        site.ec2.release_address(AllocationId=one["AllocationId"])


def test_an_elastic_ip_that_moves_leaves_the_machine_before_and_goes_free_with_the_next(site: Site) -> None:
    first, second = (site.launch()["InstanceId"] for _ in range(2))
    site.ec2.describe_instances(InstanceIds=[first, second])
    spare = site.ec2.allocate_address(Domain="vpc")
    wanted = {"AllocationId": spare["AllocationId"]}
    old = site.ec2.associate_address(**wanted, InstanceId=first)["AssociationId"]
    careful = {**wanted, "InstanceId": second, "AllowReassociation": False}
    assert refused(site, "associate_address", **careful) == "Resource.AlreadyAssociated"
    site.ec2.associate_address(**wanted, InstanceId=second)
    assert site.instance(first).get("PublicIpAddress") is None
    assert site.instance(second)["PublicIpAddress"] == spare["PublicIp"]
    assert refused(site, "disassociate_address", AssociationId=old) == "InvalidAssociationID.NotFound"
    site.ec2.terminate_instances(InstanceIds=[first, second])
    assert "AssociationId" not in site.ec2.describe_addresses(AllocationIds=[spare["AllocationId"]])["Addresses"][0]
    site.ec2.release_address(**wanted)
    told = site.instance(second)
    assert (told["State"]["Name"], told["NetworkInterfaces"], told.get("SubnetId")) == ("terminated", [], None)
