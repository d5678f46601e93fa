"""Another environment, and the subnet without a way out: asked with packets, or said to be declared only."""

from __future__ import annotations

from typing import Any

from reachability import asked
from reachability.paths.read import read

from tests.green import Params, answers, findings_of, green, wrong
from tests.green_api import ELASTIC_IP, PRIVATE, PUBLIC, VPC, interface, route_table, subnet

OTHER = "other environment"
# What the API calls by one name in the one environment, and by another in the other.
NAMES = {VPC: "vpc-2", "igw-1": "igw-2", "playground": "alpha", ELASTIC_IP: "198.51.100.9"} | {
    f"{kind}-{tier}": f"{kind}-alpha-{tier}"
    for kind in ("i", "eni", "sg", "subnet", "rtb")
    for tier in ("public", "private", "main", "nobody")
}


def renamed(value: Any, cidr: str) -> Any:
    """The same as another environment has it, in the range that begins with `cidr`."""
    if isinstance(value, dict):
        return {key: renamed(part, cidr) for key, part in value.items()}
    if isinstance(value, list):
        return [renamed(part, cidr) for part in value]
    if not isinstance(value, str):
        return value
    return NAMES.get(value, value.replace("playground", "alpha").replace("10.1.", cidr))


def with_alpha(cidr: str) -> Params:
    """Two environments live, and the machine of the second has been asked."""
    params = green()
    api = params["api"]
    for kind in ("vpcs", "subnets", "route_tables", "security_groups", "network_interfaces", "internet_gateways"):
        api[kind] += renamed(api[kind], cidr)
    api["others"] = renamed(api["instances"], cidr)
    api["addresses"] += renamed(api["addresses"], cidr)
    params["observations"][OTHER] = {"cells": answers(OTHER), "resolved": {}}
    return params


def neighbour(params: Params) -> dict[str, Any]:
    return asked.neighbour(read(params["api"], "playground"))


def row(params: Params, name: str) -> tuple[str, str, bool | None]:
    found = next(one for one in findings_of(params) if one.question == name)
    return found.declared, found.observed, found.ok


def test_another_environment_is_asked_and_reaches_nothing() -> None:
    params = with_alpha("10.2.")
    assert neighbour(params) == {
        "name": "sidedish-alpha-public",
        "addresses": {"public": PUBLIC, "private": PRIVATE},
    }
    assert wrong(params) == []
    assert row(params, "other environment -> private:3306") == ("dropped", "filtered", True)


def test_where_both_have_the_same_range_an_address_of_its_own_is_not_taken_for_ours() -> None:
    params = with_alpha("10.1.")
    assert neighbour(params)["addresses"] == {"public": ELASTIC_IP, "private": ""}
    cells = params["observations"][OTHER]["cells"]
    cells.update({name: "no address" for name in cells if "private" in name})
    assert wrong(params) == []
    assert row(params, "other environment -> private:3306") == ("dropped", "no address", True)


def test_a_packet_from_another_environment_that_arrives_is_wrong_whatever_the_api_says() -> None:
    params = with_alpha("10.2.")
    params["observations"][OTHER]["cells"]["other environment -> private:3306"] = "open"
    assert wrong(params) == ["other environment -> private:3306"]


def test_a_machine_of_another_environment_that_lets_nobody_in_is_no_fault_and_is_told() -> None:
    params = with_alpha("10.2.")
    params["observations"][OTHER] = {"unreachable": True, "msg": "Connection timed out"}
    assert wrong(params) == []
    assert row(params, "other environment -> private:3306") == ("dropped", "-", True)
    assert row(params, "packets from other environment")[1] == "declared only: Connection timed out"


def test_without_another_environment_nothing_is_said_of_one() -> None:
    assert neighbour(green()) == {}
    assert not [one for one in findings_of(green()) if OTHER in one.question]


def with_isolated() -> Params:
    params = green()
    params["api"]["subnets"].append(subnet("isolated", "10.1.3.0/24"))
    table = route_table("isolated")
    table["routes"] = table["routes"][:1]
    params["api"]["route_tables"].append(table)
    return params


def test_an_isolated_subnet_without_a_machine_is_declared_only() -> None:
    params = with_isolated()
    assert wrong(params) == []
    assert row(params, "isolated -> internet:80") == ("dropped", "-", True)
    assert row(params, "packets from isolated")[1] == "declared only: no machine there can be asked"


def test_a_machine_in_the_isolated_subnet_is_asked_and_must_not_get_out() -> None:
    params = with_isolated()
    params["api"]["network_interfaces"].append(interface("isolated", "10.1.3.10", check=True))
    params["api"]["security_groups"][2]["group_id"] = "sg-isolated"
    params["observations"]["isolated"] = {"cells": answers("isolated"), "resolved": {"internet": "198.51.100.80"}}
    assert wrong(params) == []
    assert row(params, "isolated -> internet:80") == ("dropped", "filtered", True)
    params["observations"]["isolated"]["cells"]["isolated -> internet:80"] = "open"
    assert wrong(params) == ["isolated -> internet:80"]
