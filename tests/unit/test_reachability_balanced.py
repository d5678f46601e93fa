"""Machines behind a load balancer are targets of their own: only it reaches them, and they the database."""

from __future__ import annotations

from typing import Any

import pytest
from reachability.judge import judge

from tests.green import Params, green
from tests.green_api import VPC, group, instance, interface, permission, route_table, subnet

PAGE = {"status": 200, "text": "row: kimchi"}


def face(tier: str, address: str, subnet_id: str, public: str = "") -> dict[str, Any]:
    """What is no machine: a node of the load balancer, the database."""
    made = interface(tier, address, check=True, public=public)
    return made | {"network_interface_id": f"eni-{address}", "subnet_id": subnet_id, "attachment": None}


def balanced(*, application: dict[str, Any] | None = None, database: dict[str, Any] | None = None) -> Params:
    """A green environment with a load balancer, two machines behind it, and a managed database."""
    params = green()
    api = params["api"]
    api["subnets"].append(subnet("balancer", "10.1.11.0/24"))
    api["network_acls"][0]["associations"].append({"subnet_id": "subnet-balancer"})
    api["route_tables"].append(route_table("balancer", gateway_id="igw-1"))
    api["security_groups"] += [
        group("balancer", permission(80, "0.0.0.0/0")),
        group("application", application or permission(80, groups=("sg-balancer",))),
        group("database", database or permission(3306, groups=("sg-public", "sg-application"))),
    ]
    for number in (1, 2):
        machine = instance("application", f"10.1.2.2{number}", check=True)
        nic = interface("application", f"10.1.2.2{number}", check=True)
        here = {"subnet_id": "subnet-private"}
        owner = {"instance_id": f"i-application-{number}"}
        api["instances"].append(machine | here | owner)
        api["network_interfaces"].append(nic | here | {"network_interface_id": f"eni-a{number}", "attachment": owner})
    api["network_interfaces"] += [
        face("balancer", "10.1.1.30", "subnet-public", "198.51.100.30"),
        face("balancer", "10.1.11.30", "subnet-balancer", "198.51.100.31"),
        face("database", "10.1.2.77", "subnet-private"),
    ]
    assert all(one["vpc_id"] == VPC for one in api["network_interfaces"])
    outside = params["observations"]["internet"]
    outside["cells"] |= {name: "no address" for name in outside["cells"] if name.startswith("internet -> application:")}
    outside["pages"]["balanced"] = dict(PAGE)
    return params


def wrong(params: Params) -> list[str]:
    return [one.question for one in judge(params, {}).findings if not one.ok]


def test_what_only_the_load_balancer_reaches_is_green() -> None:
    params = balanced()
    assert wrong(params) == []
    declared = {one.question: one.declared for one in judge(params, {}).findings if one.topic == "packets"}
    assert declared["internet -> balancer:80"] == "admitted"
    assert declared["balancer -> application:80"] == "admitted"
    assert declared["application -> database:3306"] == "admitted"
    assert declared["public -> application:80"] == "dropped"
    assert declared["internet -> application:80"] == "dropped"


def test_without_one_nothing_is_asked() -> None:
    asked = [one.question for one in judge(green(), {}).findings]
    assert not [one for one in asked if "balancer" in one or "application:" in one]


@pytest.mark.parametrize(
    ("application", "row"),
    [
        (permission(80, groups=("sg-balancer", "sg-public")), "public -> application:80"),
        (permission(80, "10.1.0.0/16"), "private -> application:80"),
    ],
)
def test_machines_that_others_reach_are_found(application: dict[str, Any], row: str) -> None:
    assert row in wrong(balanced(application=application))


def test_a_database_that_does_not_admit_them_is_found() -> None:
    database = permission(3306, groups=("sg-public",))
    assert wrong(balanced(database=database)) == ["application -> database:3306"]


@pytest.mark.parametrize("answer", [{"status": 503, "text": "Service Unavailable"}, {"status": 200, "text": "hello"}])
def test_a_page_without_its_row_is_found(answer: dict[str, Any]) -> None:
    params = balanced()
    params["observations"]["internet"]["pages"]["balanced"] = answer
    assert wrong(params) == ["the page through the balancer"]
    assert not judge(params, {}).is_green
