"""What EC2 refuses, asked of a model without any API."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from lab.api.calls import Call
from lab.api.refusals import ELASTIC_ADDRESS_QUOTA, refuse
from lab.config import LabConfig
from lab.model import Address, Model
from tests.worlds import base_world, build_model, identifier, merge


def model(**change: object) -> Model:
    world = merge(base_world("two_tier"), {"vpcs": {"a": change}})
    return build_model(world, LabConfig().pool)


def code(action: str, account: Model, **parameters: str) -> str | None:
    refusal = refuse(Call("ec2", "ap-northeast-2", action, parameters), account)
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
    some = tuple(Address(f"eipalloc-{n}", IPv4Address(f"198.18.0.{n}")) for n in range(ELASTIC_ADDRESS_QUOTA))
    assert code("AllocateAddress", replace(model(), addresses=some)) == "AddressLimitExceeded"
    assert code("AllocateAddress", replace(model(), addresses=some[1:])) is None
