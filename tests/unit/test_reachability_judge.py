"""What is judged beyond single faults: other intents, what could not be asked, who may be whom."""

from __future__ import annotations

from tests.green import GATEWAY_IP, OPERATOR, Params, dig, evidence, findings_of, first_suspect, green, page, wrong
from tests.green_api import ELASTIC_IP, VPC, permission, route_table


def through_gateway() -> Params:
    """The same environment with a managed NAT gateway."""
    params = green()
    params["translator"] = {"private": "NAT gateway"}
    params["machines"]["public"]["forwarded_cidrs"] = []
    face = {"network_interface_id": "eni-nat", "public_ip": GATEWAY_IP, "private_ip": "10.1.1.20"}
    gateway = {"nat_gateway_id": "nat-1", "vpc_id": VPC, "subnet_id": "subnet-public", "nat_gateway_addresses": [face]}
    params["api"]["nat_gateways"] = [gateway]
    params["api"]["route_tables"][2] = route_table("private", nat_gateway_id="nat-1")
    params["api"]["instances"][0]["source_dest_check"] = True
    params["api"]["network_interfaces"][0]["source_dest_check"] = True
    group = dig(params, "api", "security_groups", 0)
    group["ip_permissions"] = group["ip_permissions"][:2]
    params["observations"]["public"]["evidence"] = evidence(ip_forward="0", rules={}, doctor=None)
    params["observations"]["private"]["pages"]["egress"]["text"] = GATEWAY_IP
    return params


def test_a_managed_gateway_takes_the_place_of_the_public_machine() -> None:
    assert wrong(through_gateway()) == []


def test_a_private_machine_that_still_leaves_by_the_public_one_is_named() -> None:
    params = through_gateway()
    params["api"]["route_tables"][2] = route_table("private", network_interface_id="eni-public")
    params["observations"]["private"]["pages"]["egress"]["text"] = ELASTIC_IP
    assert first_suspect(params) == "default route of private"


def test_a_fault_without_evidence_is_still_explained_by_its_packets() -> None:
    params = green()
    dig(params, "observations", "public", "cells")["public -> private:22"] = "filtered"
    assert first_suspect(params) == "way from public to private:22"


def test_an_unreachable_machine_leaves_its_rows_unasked_and_the_run_red() -> None:
    params = green()
    params["observations"]["private"] = {"unreachable": True, "msg": "Connection timed out"}
    findings = findings_of(params)
    by_question = {finding.question: finding for finding in findings}
    assert by_question["private -> internet:80"].ok is None
    assert by_question["operator logs in to private and asks it"].ok is False
    assert not all(finding.ok for finding in findings)


def test_admin_cidrs_are_the_only_ones_who_may_knock_at_22() -> None:
    params = green()
    params["admin_cidrs"] = ["203.0.113.0/24", "198.51.100.0/24"]
    group = dig(params, "api", "security_groups", 0)
    assert "security group of public admits beyond the matrix" in wrong(params)
    group["ip_permissions"][1] = permission(22, "203.0.113.0/24", "198.51.100.0/24")
    assert wrong(params) == []
    group["ip_permissions"][1] = permission(22, "203.0.113.0/24")
    assert wrong(params) == ["security group of public lacks from the matrix"]


def test_a_rule_for_a_range_of_ports_is_more_than_its_ends() -> None:
    params = green()
    rule = permission(22, groups=("sg-public",)) | {"to_port": 3306}
    dig(params, "api", "security_groups", 1)["ip_permissions"] = [rule]
    assert first_suspect(params).endswith("admits tcp 22-3306 from sg-public")


def test_the_private_range_may_be_admitted_by_its_group_as_well() -> None:
    params = green()
    group = dig(params, "api", "security_groups", 0)
    everything = {"ip_protocol": "-1", "user_id_group_pairs": [{"group_id": "sg-private"}]}
    group["ip_permissions"] = [*group["ip_permissions"][:2], everything]
    dig(params, "observations", "private", "cells")["private -> public:8080"] = "refused"
    assert wrong(params) == []


def test_the_whole_vpc_is_more_than_the_private_range() -> None:
    params = green()
    dig(params, "api", "security_groups", 0, "ip_permissions").append(permission(443, "10.1.0.0/16"))
    assert wrong(params) == ["security group of public admits beyond the matrix"]


def test_an_application_of_ones_own_is_asked_for_its_status_alone() -> None:
    params = green()
    params["page"] = {"row": "", "client": ""}
    page(params, 200, "hello")
    assert wrong(params) == []


def test_a_client_behind_many_addresses_is_no_alarm() -> None:
    params = green()
    page(params, 200, "row: kimchi\nclient: 203.0.113.77")
    assert wrong(params) == []


def test_a_page_without_its_row_is_wrong() -> None:
    params = green()
    page(params, 200, f"client: {OPERATOR}")
    assert wrong(params) == ["the page shows a row of the database"]
