"""What EC2 refuses, reports and takes its time for: asked of a living lab by boto3 and by Ansible's own modules."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from tests.lab.living import LivingLab, lab, living_lab, wait_for

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
        filters = [{"Name": "vpc-id", "Values": [self.vpc]}, {"Name": "group-name", "Values": ["default"]}]
        self.default = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]

    def group(self, name: str) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description="test", VpcId=self.vpc)["GroupId"])

    def launch(self, **wanted: Any) -> dict[str, Any]:
        terms = {"ImageId": self.image, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
        made: dict[str, Any] = self.ec2.run_instances(**{**terms, "SubnetId": self.subnet, **wanted})["Instances"][0]
        return made

    def state(self, machine: str) -> str:
        (reservation,) = self.ec2.describe_instances(InstanceIds=[machine])["Reservations"]
        return str(reservation["Instances"][0]["State"]["Name"])

    def route(self, destination: str) -> dict[str, Any]:
        (table,) = self.ec2.describe_route_tables(RouteTableIds=[self.table])["RouteTables"]
        (found,) = (one for one in table["Routes"] if one.get("DestinationCidrBlock") == destination)
        route: dict[str, Any] = found
        return route


@pytest.fixture(scope="module")
def living() -> Iterator[LivingLab]:
    with living_lab(NAME, PORT) as one:
        yield one


@pytest.fixture(scope="module")
def site(living: LivingLab) -> Site:
    return Site(living.ec2)


@pytest.fixture
def slow(living: LivingLab) -> Iterator[None]:
    """States that begin in the test last until its end."""
    pace(LONG)
    yield
    pace("0")


def pace(seconds: str, *, late_ids: str = "0") -> None:
    """How long states take from now on, also for those under way, and for how long a new id is not found."""
    lab("up", "--name", NAME, "--slow-api", seconds, "--late-ids", late_ids)


@pytest.fixture
def quota() -> Iterator[None]:
    """Quotas that a test changes are put back."""
    before = json.loads(lab("quota", "--name", NAME, "--json"))
    yield
    lab("quota", "--name", NAME, *(f"{name}={row['limit']}" for name, row in before.items()))


def exhaust(name: str, *, spare: int = 0) -> None:
    """Set a quota so that only `spare` of it is left."""
    used = json.loads(lab("quota", "--name", NAME, "--json"))[name]["used"]
    lab("quota", "--name", NAME, f"{name}={used + spare}")


def refused(site: Site, action: str, **parameters: Any) -> str:
    """The error code of a call that must not succeed."""
    with pytest.raises(ClientError) as caught:
        getattr(site.ec2, action)(**parameters)
    return str(caught.value.response["Error"]["Code"])


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


LAUNCHES = {
    "an unknown image": ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
    "an unknown key": ({"KeyName": "nobodys"}, "InvalidKeyPair.NotFound"),
    "an unknown type": ({"InstanceType": "t3.gigantic"}, "InvalidParameterValue"),
    "an unknown subnet": ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
    "an address that is taken": ({"PrivateIpAddress": "10.8.1.10"}, "InvalidIPAddress.InUse"),
    "an address of AWS": ({"PrivateIpAddress": "10.8.1.1"}, "InvalidParameterValue"),
    "an address elsewhere": ({"PrivateIpAddress": "10.8.2.10"}, "InvalidParameterValue"),
}


@pytest.mark.parametrize("what", LAUNCHES)
def test_a_launch_that_cannot_be(site: Site, what: str) -> None:
    wanted, code = LAUNCHES[what]
    terms = {"ImageId": site.image, "InstanceType": "t3.micro", "SubnetId": site.subnet, "MinCount": 1, "MaxCount": 1}
    assert refused(site, "run_instances", **{**terms, **wanted}) == code


def test_subnets_do_not_overlap(site: Site) -> None:
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
    dry = {"DryRun": True}
    assert refused(site, "create_vpc", CidrBlock="10.6.0.0/16", **dry) == "DryRunOperation"
    assert refused(site, "terminate_instances", InstanceIds=[site.machine], **dry) == "DryRunOperation"
    assert refused(site, "create_nat_gateway", SubnetId=site.subnet, **dry) == "DryRunOperation"
    assert refused(site, "delete_subnet", SubnetId=site.subnet, **dry) == "DryRunOperation"
    assert not site.ec2.describe_nat_gateways()["NatGateways"]
    assert site.state(site.machine) == "running"


@pytest.mark.usefixtures("quota")
def test_the_quota_of_addresses(site: Site) -> None:
    exhaust("addresses", spare=1)
    last = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    assert refused(site, "allocate_address", Domain="vpc") == "AddressLimitExceeded"
    site.ec2.release_address(AllocationId=last)


@pytest.mark.usefixtures("quota")
def test_the_quota_of_vpcs(site: Site) -> None:
    exhaust("vpcs", spare=1)
    last = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert refused(site, "create_vpc", CidrBlock="10.6.0.0/16") == "VpcLimitExceeded"
    site.ec2.delete_vpc(VpcId=last)


@pytest.mark.usefixtures("quota", "slow")
def test_the_quota_of_vcpus(site: Site) -> None:
    exhaust("vcpus", spare=2)
    terms = {"ImageId": site.image, "InstanceType": "t3.micro", "SubnetId": site.subnet}
    assert refused(site, "run_instances", **terms, MinCount=2, MaxCount=2) == "VcpuLimitExceeded"
    made = site.ec2.run_instances(**terms, MinCount=1, MaxCount=9)["Instances"]
    assert len(made) == 1, "as many as the quota leaves room for"
    site.ec2.terminate_instances(InstanceIds=[made[0]["InstanceId"]])
    site.ec2.terminate_instances(InstanceIds=[site.launch()["InstanceId"]])


@pytest.mark.usefixtures("quota")
def test_a_quota_is_also_set_at_the_start(site: Site) -> None:
    used = json.loads(lab("quota", "--name", NAME, "--json"))["addresses"]["used"]
    lab("up", "--name", NAME, "--quota", f"addresses={used}")
    assert refused(site, "allocate_address", Domain="vpc") == "AddressLimitExceeded"
    with pytest.raises(AssertionError, match="there is no quota adresses"):
        lab("up", "--name", NAME, "--quota", "adresses=5")


def test_the_first_quotas_are_those_of_aws() -> None:
    limits = {name: row["limit"] for name, row in json.loads(lab("quota", "--name", NAME, "--json")).items()}
    assert limits == {"addresses": 5, "vpcs": 5, "vcpus": 32}


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


def test_a_machine_passes_through_its_states(site: Site) -> None:
    """Each state holds until its time has come; what cannot be asked of it is refused."""
    pace(LONG)
    launched = site.launch()
    machine, one = launched["InstanceId"], [launched["InstanceId"]]
    assert launched["State"] == {"Code": 0, "Name": "pending"}
    assert site.state(machine) == "pending"
    assert refused(site, "stop_instances", InstanceIds=one) == "IncorrectInstanceState"
    spare = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    assert refused(site, "associate_address", AllocationId=spare, InstanceId=machine) == "InvalidInstanceID"
    site.ec2.release_address(AllocationId=spare)
    pace("0")
    assert site.state(machine) == "running"

    pace(LONG)
    site.ec2.stop_instances(InstanceIds=one)
    assert site.state(machine) == "stopping"
    assert refused(site, "start_instances", InstanceIds=one) == "IncorrectInstanceState"
    assert refused(site, "reboot_instances", InstanceIds=one) == "IncorrectInstanceState"
    pace("0")
    assert site.state(machine) == "stopped"
    assert refused(site, "reboot_instances", InstanceIds=one) == "IncorrectInstanceState"

    pace(LONG)
    (starting,) = site.ec2.start_instances(InstanceIds=one)["StartingInstances"]
    assert (starting["PreviousState"]["Name"], starting["CurrentState"]["Name"]) == ("stopped", "pending")
    assert site.state(machine) == "pending"
    site.ec2.terminate_instances(InstanceIds=one)
    assert site.state(machine) == "shutting-down"
    assert refused(site, "start_instances", InstanceIds=one) == "IncorrectInstanceState"
    nic = launched["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert site.ec2.describe_network_interfaces(NetworkInterfaceIds=[nic])["NetworkInterfaces"]
    pace("0")
    assert site.state(machine) == "terminated"
    assert refused(site, "stop_instances", InstanceIds=one) == "IncorrectInstanceState"
    assert (
        refused(site, "describe_network_interfaces", NetworkInterfaceIds=[nic]) == "InvalidNetworkInterfaceID.NotFound"
    )


def test_the_disk_of_a_machine_that_took_its_time_to_go_goes_too(living: LivingLab, site: Site) -> None:
    machine = site.launch()["InstanceId"]
    disk = living.config.disk_dir / machine
    wait_for(disk.exists, "the disk")
    pace(LONG)
    site.ec2.terminate_instances(InstanceIds=[machine])
    wait_for(lambda: not power(living, machine), "the power to go")
    pace("0")
    wait_for(lambda: not disk.exists(), "the disk to go")


def power(living: LivingLab, machine: str) -> bool:
    return any(one["id"] == machine and one["power"] for one in living.status()["instances"])


def test_a_nat_gateway_passes_through_its_states_and_lets_its_address_go_at_the_end(site: Site) -> None:
    spare = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    private = site.ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.8.9.0/24")["Subnet"]["SubnetId"]
    pace(LONG)
    made = site.ec2.create_nat_gateway(SubnetId=private, AllocationId=spare)["NatGateway"]
    pace("0")
    gateway, (address,) = made["NatGatewayId"], made["NatGatewayAddresses"]
    assert address["PrivateIp"].startswith("10.8.9.")
    route = {"RouteTableId": site.table, "DestinationCidrBlock": "198.51.100.0/24"}
    site.ec2.create_route(**route, NatGatewayId=gateway)

    def state() -> str:
        (told,) = site.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
        return str(told["State"])

    assert (made["State"], state()) == ("pending", "available")
    assert site.route("198.51.100.0/24")["State"] == "active"
    pace(LONG)
    site.ec2.delete_nat_gateway(NatGatewayId=gateway)
    assert state() == "deleting"
    assert site.route("198.51.100.0/24")["State"] == "blackhole"
    assert refused(site, "release_address", AllocationId=spare) == "InvalidIPAddress.InUse"
    assert refused(site, "delete_subnet", SubnetId=private) == "DependencyViolation"
    pace("0")
    assert state() == "deleted"
    site.ec2.release_address(AllocationId=spare)
    site.ec2.delete_subnet(SubnetId=private)
    site.ec2.delete_route(**route)


def test_a_nat_gateway_without_an_internet_gateway_fails_and_lets_its_address_go(site: Site) -> None:
    vpc = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = site.ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    spare = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = site.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=spare)["NatGateway"]["NatGatewayId"]
    (told,) = site.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
    assert (told["State"], told["FailureCode"]) == ("failed", "Gateway.NotAttached")
    site.ec2.release_address(AllocationId=spare)
    site.ec2.delete_subnet(SubnetId=subnet)
    site.ec2.delete_vpc(VpcId=vpc)


def test_a_new_id_is_not_found_for_a_moment(site: Site) -> None:
    pace("0", late_ids=LONG)
    vpc = site.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert refused(site, "describe_vpcs", VpcIds=[vpc]) == "InvalidVpcID.NotFound"
    assert refused(site, "create_subnet", VpcId=vpc, CidrBlock="10.7.1.0/24") == "InvalidVpcID.NotFound"
    assert refused(site, "create_tags", Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}]) == "InvalidVpcID.NotFound"
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    assert not site.ec2.describe_route_tables(Filters=filters)["RouteTables"]
    pace("0")
    assert site.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert site.ec2.describe_route_tables(Filters=filters)["RouteTables"]
    site.ec2.delete_vpc(VpcId=vpc)


def test_the_same_client_token_makes_one_machine(site: Site) -> None:
    first, again = (site.launch(ClientToken="once") for _ in range(2))
    assert first["InstanceId"] == again["InstanceId"]
    terms = {"ImageId": site.image, "InstanceType": "t3.nano", "SubnetId": site.subnet, "MinCount": 1, "MaxCount": 1}
    assert refused(site, "run_instances", **terms, ClientToken="once") == "IdempotentParameterMismatch"


def test_modules_find_their_own_tags_again(living: LivingLab, site: Site, tmp_path: Path) -> None:
    """Elastic IPs and NAT gateways: the second run changes nothing, another value is one change."""
    allocation = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    found = {"in_vpc": True, "tag_name": "Name", "tag_value": "site-eip", "reuse_existing_ip_allowed": True}
    gateway = {"subnet_id": site.subnet, "allocation_id": allocation, "if_exist_do_not_create": True, "wait": True}
    tasks: list[dict[str, Any]] = []
    for step, owner in (("make", "site"), ("again", "site"), ("other", "other")):
        tags = {"Name": "site-eip", "Service": owner}
        tasks += [
            {"amazon.aws.ec2_eip": {**found, "tags": tags}, "register": "eip"},
            {"amazon.aws.ec2_vpc_nat_gateway": {**gateway, "tags": tags}, "register": "nat"},
            {"ansible.builtin.debug": {"msg": f"{step}: {{{{ eip.changed }}}} {{{{ nat.changed }}}}"}},
        ]
    play = tmp_path / "tags.yml"
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    values = json.loads(lab("env", "--name", living.config.name, "--json"))
    ran = subprocess.run(
        ["ansible-playbook", str(play)], env={**os.environ, **values}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = re.findall(r"(?:make|again|other): (?:True|False) (?:True|False)", ran.stdout)
    assert told == ["make: True True", "again: False False", "other: True True"]
