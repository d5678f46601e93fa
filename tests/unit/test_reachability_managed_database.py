"""A managed database is a target of its own: known by its group, reached by the public machine alone."""

from __future__ import annotations

from typing import Any

from reachability.judge import judge

from tests.green import Params, green
from tests.green_api import VPC, group, permission

PUBLIC_ROW, PRIVATE_ROW = "public -> database:3306", "private -> database:3306"


def with_database(*permissions: dict[str, Any]) -> Params:
    """A green environment with a database of RDS, whose group admits this."""
    params = green()
    params["api"]["security_groups"].append(group("database", *permissions))
    params["api"]["network_interfaces"].append(
        {
            "network_interface_id": "eni-database",
            "vpc_id": VPC,
            "subnet_id": "subnet-private",
            "description": "RDSNetworkInterface",
            "private_ip_address": "10.1.2.77",
            "groups": [{"group_id": "sg-database"}],
            "source_dest_check": True,
        }
    )
    return params


def rows(params: Params) -> dict[str, tuple[str, bool | None]]:
    """What the API declares of each row about the database, and the verdict."""
    findings = judge(params, {}).findings
    return {one.question: (one.declared, one.ok) for one in findings if " -> database" in one.question}


def test_without_one_nothing_is_asked() -> None:
    assert rows(green()) == {}


def test_only_the_public_machine_reaches_it() -> None:
    params = with_database(permission(3306, groups=("sg-public",)))
    assert rows(params) == {
        PUBLIC_ROW: ("admitted", True),
        PRIVATE_ROW: ("dropped", True),
        "internet -> database:3306": ("dropped", True),
    }
    assert judge(params, {}).is_green


def test_a_group_that_admits_the_private_machine_is_found() -> None:
    found = rows(with_database(permission(3306, groups=("sg-public", "sg-private"))))
    assert found[PRIVATE_ROW] == ("admitted", False)


def test_a_group_that_admits_nobody_is_found() -> None:
    assert rows(with_database())[PUBLIC_ROW] == ("dropped", False)


def test_what_is_left_on_the_private_machine_may_be_there_or_not() -> None:
    params = with_database(permission(3306, groups=("sg-public",)))
    for service in params["machines"]["private"]["services"]:
        service["wanted"] = service["unit"] != "mysql"
    params["observations"]["private"]["evidence"]["units"].pop("mysql")
    row = next(
        one for one in params["matrix"] if (one["from"], one["to"], one.get("port")) == ("public", "private", 3306)
    )
    params["matrix"] = [one for one in params["matrix"] if one is not row] + [row | {"packets": False}]
    assert judge(params, {}).is_green


def test_its_name_leads_to_a_private_address() -> None:
    params = with_database(permission(3306, groups=("sg-public",)))
    names = params["observations"]["public"]["evidence"]["names"]["found"]
    names["sidedish.abc.ap-northeast-2.rds.amazonaws.com"] = "10.1.2.77"
    assert judge(params, {}).is_green
    names["sidedish.abc.ap-northeast-2.rds.amazonaws.com"] = "192.0.2.9"
    assert not judge(params, {}).is_green
