"""States that take their time, and ids that are not known at once."""

from __future__ import annotations

from tests.lab.conformance.site import LONG, Site, pace, refused
from tests.lab.living import LivingLab, wait_for


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
