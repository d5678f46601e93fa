"""What EC2 refuses, asked of a model without any API."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from lab.api.account import Account, Machine, Mapping
from lab.api.calls import Call
from lab.api.quotas import Quotas
from lab.api.refusals import refuse
from lab.config import LabConfig
from lab.model import Address, Model
from tests.worlds import base_world, build_model, identifier, merge


def model(**change: object) -> Model:
    world = merge(base_world("two_tier"), {"vpcs": {"a": change}})
    return build_model(world, LabConfig().pool)


def code(action: str, account: Model, **parameters: str) -> str | None:
    return asked(action, of(account), **parameters)


def of(account: Model) -> Account:
    """The account of a model: every interface in it belongs to a machine."""
    interfaces = tuple(
        Mapping(nic.id, nic.vpc_id, nic.subnet_id, nic.private_ip, nic.group_ids, nic.public_ip is not None, True)
        for vpc in account.vpcs
        for nic in vpc.interfaces
    )
    return Account(account, interfaces=interfaces)


def asked(action: str, account: Account, **parameters: str) -> str | None:
    image = {"ImageId": "ami-00000000"} if action == "RunInstances" else {}
    refusal = refuse(Call("ec2", "ap-northeast-2", action, image | parameters), account)
    return refusal.code if refusal else None


def test_a_group_in_use_is_not_deleted() -> None:
    assert code("DeleteSecurityGroup", model(), GroupId=identifier("sg", "a", "data")) == "DependencyViolation"


def test_a_group_that_another_one_names_is_not_deleted() -> None:
    account = model(machines={"web": {"groups": []}, "data": {"groups": []}})
    assert code("DeleteSecurityGroup", account, GroupId=identifier("sg", "a", "web")) == "DependencyViolation"


def test_an_idle_group_is_deleted() -> None:
    account = model(machines={"web": {"groups": []}, "data": {"groups": []}})
    assert code("DeleteSecurityGroup", account, GroupId=identifier("sg", "a", "data")) is None


def test_a_gateway_with_mapped_addresses_stays() -> None:
    wanted = {"VpcId": identifier("vpc", "a")}
    assert code("DetachInternetGateway", model(), **wanted) == "DependencyViolation"
    assert code("DetachInternetGateway", model(machines={"web": {"public": None}}), **wanted) is None


def test_a_subnet_with_an_interface_stays() -> None:
    wanted = {"SubnetId": identifier("subnet", "a", "private")}
    assert code("DeleteSubnet", model(), **wanted) == "DependencyViolation"
    assert code("DeleteSubnet", model(machines={"data": None}), **wanted) is None


@pytest.mark.parametrize("wanted", [{"AllocationId": "eipalloc-1"}, {"PublicIp": "198.18.0.16"}])
def test_an_address_in_use_is_not_released(wanted: dict[str, str]) -> None:
    used = Address("eipalloc-1", IPv4Address("198.18.0.16"), identifier("eni", "a", "web"))
    assert code("ReleaseAddress", replace(model(), addresses=(used,)), **wanted) == "InvalidIPAddress.InUse"
    assert code("ReleaseAddress", replace(model(), addresses=(replace(used, interface_id=None),)), **wanted) is None


def test_the_quota_of_addresses_holds() -> None:
    some = tuple(Address(f"eipalloc-{n}", IPv4Address(f"198.18.0.{n}")) for n in range(5))
    assert code("AllocateAddress", replace(model(), addresses=some)) == "AddressLimitExceeded"
    assert code("AllocateAddress", replace(model(), addresses=some[1:])) is None


def test_the_quota_of_vpcs_counts_the_default_one_too() -> None:
    account = of(model())
    assert asked("CreateVpc", replace(account, quotas=Quotas(vpcs=1))) == "VpcLimitExceeded"
    assert asked("CreateVpc", replace(account, quotas=Quotas(vpcs=2))) is None


def test_a_vpc_with_a_gateway_or_a_group_stays() -> None:
    wanted = {"VpcId": identifier("vpc", "a")}
    assert code("DeleteVpc", model(gateway=False), **wanted) == "DependencyViolation"
    assert code("DeleteVpc", model(groups=None), **wanted) == "DependencyViolation"
    assert code("DeleteVpc", model(gateway=False, groups=None), **wanted) is None


def test_an_interface_that_no_machine_has_holds_subnet_group_and_gateway() -> None:
    """As a NAT gateway's does."""
    group, subnet, vpc = identifier("sg", "a", "data"), identifier("subnet", "a", "public"), identifier("vpc", "a")
    nic = Mapping("eni-1", vpc, subnet, IPv4Address("10.1.1.77"), (group,), public=True)
    account = replace(of(model(machines={"web": {"groups": []}, "data": {"groups": []}})), interfaces=(nic,))
    assert asked("DeleteSubnet", account, SubnetId=subnet) == "DependencyViolation"
    assert asked("DeleteSecurityGroup", account, GroupId=group) == "DependencyViolation"
    assert asked("DetachInternetGateway", account, VpcId=vpc) == "DependencyViolation"


@pytest.mark.parametrize(
    ("used", "wanted", "verdict"),
    [
        ("running", "t3.micro", "VcpuLimitExceeded"),
        ("pending", "t3.micro", "VcpuLimitExceeded"),
        ("stopped", "t3.micro", None),
        ("terminated", "t3.micro", None),
        ("running", "g4dn.xlarge", None),  # other families have a quota of their own
    ],
)
def test_the_quota_of_vcpus_counts_machines_that_run(used: str, wanted: str, verdict: str | None) -> None:
    account = replace(of(model()), quotas=Quotas(vcpus=3), machines={"i-1": Machine(used, "t3.micro")})
    assert asked("RunInstances", account, InstanceType=wanted) == verdict


def test_spot_machines_are_not_counted_with_the_others() -> None:
    account = replace(of(model()), quotas=Quotas(vcpus=3), machines={"i-1": Machine("running", "t3.micro", spot=True)})
    assert asked("RunInstances", account, InstanceType="t3.micro") is None


def test_a_start_needs_the_vcpus_that_a_stop_gave_back() -> None:
    machines = {"i-1": Machine("running", "t3.micro"), "i-2": Machine("stopped", "t3.micro")}
    account = replace(of(model()), quotas=Quotas(vcpus=3), machines=machines)
    assert asked("StartInstances", account, **{"InstanceId.1": "i-2"}) == "VcpuLimitExceeded"
    assert asked("StartInstances", account, **{"InstanceId.1": "i-1"}) is None


@pytest.mark.parametrize(
    ("action", "accepted"),
    [
        ("StartInstances", {"pending", "running", "stopped"}),
        ("StopInstances", {"running", "stopping", "stopped"}),
        ("RebootInstances", {"pending", "running"}),
        ("TerminateInstances", {"pending", "running", "stopping", "stopped", "shutting-down", "terminated"}),
    ],
)
def test_a_state_accepts_only_some_calls(action: str, accepted: set[str]) -> None:
    states = {"pending", "running", "stopping", "stopped", "shutting-down", "terminated"}
    accounts = {one: replace(of(model()), machines={"i-1": Machine(one, "t3.micro")}) for one in states}
    refused = {one for one in states if asked(action, accounts[one], **{"InstanceId.1": "i-1"})}
    assert states - refused == accepted


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        ("10.1.1.10", "InvalidIPAddress.InUse"),
        ("10.1.1.3", "InvalidParameterValue"),  # the first four are EC2's own, and the last
        ("10.1.1.255", "InvalidParameterValue"),
        ("10.1.2.11", "InvalidParameterValue"),
        ("10.1.1.4", None),
    ],
)
def test_a_machine_takes_only_a_free_address_of_its_subnet(address: str, verdict: str | None) -> None:
    wanted = {"SubnetId": identifier("subnet", "a", "public"), "PrivateIpAddress": address}
    assert code("RunInstances", model(), **wanted) == verdict


def test_a_dry_run_changes_nothing_whatever_the_action() -> None:
    assert code("CreateNatGateway", model(), DryRun="true") == "DryRunOperation"
    assert code("DeleteVpc", model(), DryRun="true") == "DryRunOperation"
    assert code("DescribeVpcs", model(), DryRun="true") is None


def test_a_vpc_has_one_gateway() -> None:
    wanted = {"VpcId": identifier("vpc", "a"), "InternetGatewayId": "igw-1"}
    known = frozenset({"igw-1"})
    account = replace(of(model()), gateways=known)
    assert asked("AttachInternetGateway", account, **wanted) == "InvalidParameterValue"
    account = replace(of(model(gateway=False)), gateways=known)
    assert asked("AttachInternetGateway", account, **wanted) is None


@pytest.mark.parametrize("action", ["CreateRoute", "ReplaceRoute"])
def test_a_route_points_at_the_gateway_of_its_own_vpc(action: str) -> None:
    own = identifier("igw", "a")
    account = replace(of(model()), gateways=frozenset({own, "igw-1"}))
    table = {"RouteTableId": identifier("rtb", "a", "public")}
    assert asked(action, account, **table, GatewayId="igw-1") == "InvalidParameterValue"
    assert asked(action, account, **table, GatewayId=own) is None


def test_an_address_needs_a_gateway() -> None:
    wanted = {"AllocationId": "eipalloc-1", "InstanceId": identifier("i", "a", "web")}
    assert code("AssociateAddress", model(gateway=False), **wanted) == "Gateway.NotAttached"
    assert code("AssociateAddress", model(), **wanted) is None


def test_an_attached_interface_is_not_deleted() -> None:
    wanted = {"NetworkInterfaceId": identifier("eni", "a", "web")}
    account = of(model())
    assert asked("DeleteNetworkInterface", account, **wanted) == "InvalidParameterValue"
    loose = tuple(replace(nic, attached=False) for nic in account.interfaces)
    assert asked("DeleteNetworkInterface", replace(account, interfaces=loose), **wanted) is None


def test_a_machine_takes_only_groups_of_its_own_vpc() -> None:
    other = {"cidr": "10.2.0.0/16", "subnets": {}, "groups": {"theirs": {}}}
    account = of(build_model(merge(base_world("two_tier"), {"vpcs": {"b": other}}), LabConfig().pool))
    subnet = {"SubnetId": identifier("subnet", "a", "public")}
    foreign, own = ({"SecurityGroupId.1": identifier("sg", *one)} for one in (("b", "theirs"), ("a", "web")))
    assert asked("RunInstances", account, **subnet, **foreign) == "InvalidParameter"
    assert asked("RunInstances", account, **subnet, **own) is None


@pytest.mark.parametrize("what", [{"InstanceType.Value": "t3.small"}, {"Attribute": "userData", "Value": "x"}])
def test_size_and_user_data_change_only_while_stopped(what: dict[str, str]) -> None:
    states = {one: replace(of(model()), machines={"i-1": Machine(one, "t3.micro")}) for one in ("running", "stopped")}
    assert asked("ModifyInstanceAttribute", states["running"], InstanceId="i-1", **what) == "IncorrectInstanceState"
    assert asked("ModifyInstanceAttribute", states["stopped"], InstanceId="i-1", **what) is None
    check = {"SourceDestCheck.Value": "false"}
    assert asked("ModifyInstanceAttribute", states["running"], InstanceId="i-1", **check) is None
