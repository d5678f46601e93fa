"""What EC2 refuses: what is in use, unknown, foreign, or cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.conformance.site import Site, refused
from tests.lab.living import wait_for

IN_USE = {
    "a group that a machine has": ("delete_security_group", "GroupId=used", "DependencyViolation"),
    "a group that another one names": ("delete_security_group", "GroupId=named", "DependencyViolation"),
    "the default group": ("delete_security_group", "GroupId=default", "CannotDelete"),
    "a subnet with a machine": ("delete_subnet", "SubnetId=subnet", "DependencyViolation"),
    "an address that is mapped": ("release_address", "AllocationId=allocation", "InvalidIPAddress.InUse"),
    "a gateway with mapped addresses": (
        "detach_internet_gateway", "InternetGatewayId=gateway VpcId=vpc", "DependencyViolation",
    ),
    "a gateway that is attached": ("delete_internet_gateway", "InternetGatewayId=gateway", "DependencyViolation"),
    "a table that a subnet uses": ("delete_route_table", "RouteTableId=table", "DependencyViolation"),
    "a VPC with a subnet": ("delete_vpc", "VpcId=vpc", "DependencyViolation"),
}  # fmt: skip


@pytest.mark.parametrize("what", IN_USE)
def test_what_is_in_use_stays(site: Site, what: str) -> None:
    action, words, code = IN_USE[what]
    parameters = {key: getattr(site, name) for key, _, name in (word.partition("=") for word in words.split())}
    assert refused(site, action, **parameters) == code


def test_what_is_idle_goes(site: Site) -> None:
    site.ec2.delete_security_group(GroupId=site.idle)


def test_a_vpc_with_only_a_gateway_or_a_group_stays(site: Site) -> None:
    vpc = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    gateway = site.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    site.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert refused(site, "delete_vpc", VpcId=vpc) == "DependencyViolation"
    site.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    site.ec2.delete_internet_gateway(InternetGatewayId=gateway)
    group = site.ec2.create_security_group(GroupName="only", Description="test", VpcId=vpc)["GroupId"]
    assert refused(site, "delete_vpc", VpcId=vpc) == "DependencyViolation"
    site.ec2.delete_security_group(GroupId=group)
    site.ec2.delete_vpc(VpcId=vpc)


UNKNOWN = {
    "describe_instances InstanceIds i": "InvalidInstanceID.NotFound",
    "terminate_instances InstanceIds i": "InvalidInstanceID.NotFound",
    "describe_vpcs VpcIds vpc": "InvalidVpcID.NotFound",
    "delete_vpc VpcId vpc": "InvalidVpcID.NotFound",
    "delete_subnet SubnetId subnet": "InvalidSubnetID.NotFound",
    "delete_route_table RouteTableId rtb": "InvalidRouteTableID.NotFound",
    "delete_security_group GroupId sg": "InvalidGroup.NotFound",
    "delete_internet_gateway InternetGatewayId igw": "InvalidInternetGatewayID.NotFound",
    "release_address AllocationId eipalloc": "InvalidAllocationID.NotFound",
    "delete_network_interface NetworkInterfaceId eni": "InvalidNetworkInterfaceID.NotFound",
    "delete_nat_gateway NatGatewayId nat": "NatGatewayNotFound",
    "describe_nat_gateways NatGatewayIds nat": "NatGatewayNotFound",
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_an_unknown_id_has_its_own_code(site: Site, what: str) -> None:
    action, parameter, prefix = what.split()
    nobody = f"{prefix}-00000000000000000"
    assert refused(site, action, **{parameter: [nobody] if parameter.endswith("s") else nobody}) == UNKNOWN[what]


LAUNCHES: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown image": ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
    "an unknown key": ({"KeyName": "nobodys"}, "InvalidKeyPair.NotFound"),
    "an unknown type": ({"InstanceType": "t3.gigantic"}, "InvalidParameterValue"),
    "an unknown subnet": ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
    "an address that is taken": ({"PrivateIpAddress": "10.8.1.10"}, "InvalidIPAddress.InUse"),
    "no image": ({"ImageId": None}, "MissingParameter"),
    "an image for other processors": ({"InstanceType": "t4g.micro"}, "InvalidParameterValue"),
    "fewer than the fewest": ({"MinCount": 2}, "InvalidParameterValue"),
    "one address for two": ({"MaxCount": 2, "PrivateIpAddress": "10.8.1.99"}, "InvalidParameterCombination"),
    "groups of machine and interface": (
        {"SecurityGroupIds": ["sg-00000000000000000"], "NetworkInterfaces": [{"DeviceIndex": 0}]},
        "InvalidParameterCombination",
    ),
    "a group of nobody": ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
    "a profile of nobody": ({"IamInstanceProfile": {"Name": "nobody"}}, "InvalidParameterValue"),
    "too much user data": ({"UserData": "x" * 20000}, "InvalidParameterValue"),
    "a disk smaller than the image": (
        {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 1}}]},
        "InvalidBlockDeviceMapping",
    ),
    "an image without a form": ({"ImageId": "ami-x"}, "InvalidAMIID.Malformed"),
    "an address of AWS": ({"PrivateIpAddress": "10.8.1.1"}, "InvalidParameterValue"),
    "an address elsewhere": ({"PrivateIpAddress": "10.8.2.10"}, "InvalidParameterValue"),
}


@pytest.mark.parametrize("what", LAUNCHES)
def test_a_launch_that_cannot_be(site: Site, what: str) -> None:
    wanted, code = LAUNCHES[what]
    terms = {"ImageId": site.image, "InstanceType": "t3.micro", "SubnetId": site.subnet, "MinCount": 1, "MaxCount": 1}
    given = {key: value for key, value in {**terms, **wanted}.items() if value is not None}
    assert refused(site, "run_instances", **given) == code


def test_ids_without_the_form_of_one_are_malformed(site: Site) -> None:
    assert refused(site, "describe_instances", InstanceIds=["i-x"]) == "InvalidInstanceID.Malformed"
    assert refused(site, "describe_security_groups", GroupIds=["sg-x"]) == "InvalidGroupId.Malformed"


def test_a_range_of_a_vpc_has_a_form_and_a_size(site: Site) -> None:
    assert refused(site, "create_vpc", CidrBlock="10.0.0.0/8") == "InvalidVpc.Range"
    assert refused(site, "create_vpc", CidrBlock="10.0.0.0") == "InvalidParameterValue"
    made = site.ec2.create_vpc(CidrBlock="10.77.3.9/16")["Vpc"]
    assert made["CidrBlock"] == "10.77.0.0/16"
    site.ec2.delete_vpc(VpcId=made["VpcId"])


def test_protected_machines_and_reserved_tags_and_bad_keys_are_refused(site: Site) -> None:
    one = {"InstanceId": site.machine}
    for attribute, action in (("DisableApiTermination", "terminate_instances"), ("DisableApiStop", "stop_instances")):
        site.ec2.modify_instance_attribute(**one, **{attribute: {"Value": True}})
        assert refused(site, action, InstanceIds=[site.machine]) == "OperationNotPermitted"
        site.ec2.modify_instance_attribute(**one, **{attribute: {"Value": False}})
    tags = [{"Key": "aws:mine", "Value": "x"}]
    assert refused(site, "create_tags", Resources=[site.vpc], Tags=tags) == "InvalidParameterValue"
    key = {"KeyName": "bad", "PublicKeyMaterial": b"no key"}
    assert refused(site, "import_key_pair", **key) == "InvalidKey.Format"


def test_subnets_do_not_overlap(site: Site) -> None:
    small, far = {"CidrBlock": "10.8.100.0/29"}, {"CidrBlock": "10.8.50.0/24", "AvailabilityZone": "us-east-1a"}
    assert refused(site, "create_subnet", VpcId=site.vpc, **small) == "InvalidSubnet.Range"
    assert refused(site, "create_subnet", VpcId=site.vpc, **far) == "InvalidParameterValue"
    assert refused(site, "create_subnet", VpcId=site.vpc, CidrBlock="10.8.1.128/25") == "InvalidSubnet.Conflict"
    assert refused(site, "create_subnet", VpcId=site.vpc, CidrBlock="10.9.1.0/24") == "InvalidSubnet.Range"


def test_what_belongs_to_another_network_is_refused(site: Site) -> None:
    vpc = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    gateway = site.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    route = {"RouteTableId": site.table, "DestinationCidrBlock": "192.0.2.0/24"}
    assert refused(site, "create_route", **route, GatewayId=gateway) == "InvalidParameterValue"
    second = {"InternetGatewayId": gateway, "VpcId": site.vpc}
    assert refused(site, "attach_internet_gateway", **second) == "InvalidParameterValue"
    foreign = site.ec2.create_security_group(GroupName="theirs", Description="test", VpcId=vpc)["GroupId"]
    terms = {"ImageId": site.image, "InstanceType": "t3.micro", "SubnetId": site.subnet, "MinCount": 1, "MaxCount": 1}
    assert refused(site, "run_instances", **terms, SecurityGroupIds=[foreign]) == "InvalidParameter"
    site.ec2.delete_security_group(GroupId=foreign)
    site.ec2.delete_internet_gateway(InternetGatewayId=gateway)
    site.ec2.delete_vpc(VpcId=vpc)


def test_what_is_attached_or_runs_is_not_changed(site: Site) -> None:
    (reservation,) = site.ec2.describe_instances(InstanceIds=[site.machine])["Reservations"]
    nic = reservation["Instances"][0]["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert refused(site, "delete_network_interface", NetworkInterfaceId=nic) == "InvalidParameterValue"
    size = {"InstanceId": site.machine, "InstanceType": {"Value": "t3.small"}}
    assert refused(site, "modify_instance_attribute", **size) == "IncorrectInstanceState"


def test_an_interface_of_nobody_holds_its_subnet_and_group(site: Site) -> None:
    subnet = site.ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.8.8.0/24")["Subnet"]["SubnetId"]
    group = site.group("loose")
    nic = site.ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    assert refused(site, "delete_subnet", SubnetId=subnet) == "DependencyViolation"
    assert refused(site, "delete_security_group", GroupId=group) == "DependencyViolation"
    site.ec2.delete_network_interface(NetworkInterfaceId=nic)
    site.ec2.delete_subnet(SubnetId=subnet)
    site.ec2.delete_security_group(GroupId=group)


def test_an_address_needs_a_gateway(site: Site) -> None:
    vpc = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = site.ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    machine = site.launch(SubnetId=subnet)["InstanceId"]
    spare = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    wait_for(lambda: site.state(machine) == "running", "the machine")
    assert refused(site, "associate_address", AllocationId=spare, InstanceId=machine) == "Gateway.NotAttached"
    site.ec2.terminate_instances(InstanceIds=[machine])
    site.ec2.release_address(AllocationId=spare)
    site.ec2.delete_subnet(SubnetId=subnet)
    site.ec2.delete_vpc(VpcId=vpc)


def test_a_dry_run_does_nothing(site: Site) -> None:
    dry, before = {"DryRun": True}, site.ec2.describe_nat_gateways()["NatGateways"]
    assert refused(site, "create_vpc", CidrBlock="10.6.0.0/16", **dry) == "DryRunOperation"
    assert refused(site, "terminate_instances", InstanceIds=[site.machine], **dry) == "DryRunOperation"
    assert refused(site, "create_nat_gateway", SubnetId=site.subnet, **dry) == "DryRunOperation"
    assert refused(site, "delete_subnet", SubnetId=site.subnet, **dry) == "DryRunOperation"
    assert site.ec2.describe_nat_gateways()["NatGateways"] == before
    assert site.state(site.machine) == "running"
