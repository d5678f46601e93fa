"""A green environment is green, and each fault in what the API declares is the first suspect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.green import Params, dig, findings_of, green, page, wrong
from tests.green_api import ELASTIC_IP, acl_entry, permission
from tests.green_broken import check_suspect, no_egress, private_unreachable


def source_dest_check_on(params: Params) -> None:
    no_egress(params)
    dig(params, "api", "instances", 0)["source_dest_check"] = True
    dig(params, "api", "network_interfaces", 0)["source_dest_check"] = True


def private_route_missing(params: Params) -> None:
    no_egress(params)
    dig(params, "api", "route_tables", 2)["routes"].pop(1)


def private_route_blackhole(params: Params) -> None:
    no_egress(params)
    dig(params, "api", "route_tables", 2, "routes", 1).update(state="blackhole", network_interface_id="eni-gone")


def subnet_falls_back_to_main_table(params: Params) -> None:
    no_egress(params)
    dig(params, "api", "route_tables", 2)["associations"].clear()


def mysql_open_to_the_world(params: Params) -> None:
    dig(params, "api", "security_groups", 1, "ip_permissions").append(permission(3306, "0.0.0.0/0"))


def mysql_open_to_the_world_on_public(params: Params) -> None:
    dig(params, "observations", "internet", "cells")["internet -> public:3306"] = "refused"
    dig(params, "api", "security_groups", 0, "ip_permissions").append(permission(3306, "0.0.0.0/0"))


def everything_open(params: Params) -> None:
    rule = {"ip_protocol": "-1", "ip_ranges": [], "ipv6_ranges": [{"cidr_ipv6": "::/0"}]}
    dig(params, "api", "security_groups", 1, "ip_permissions").append(rule)


def ping_open_to_the_world(params: Params) -> None:
    rule = permission(8, "0.0.0.0/0", protocol="icmp") | {"to_port": -1}
    dig(params, "api", "security_groups", 0, "ip_permissions").append(rule)


def mysql_rule_gone(params: Params) -> None:
    dig(params, "observations", "public", "cells")["public -> private:3306"] = "filtered"
    page(params, 503, "The database does not answer: timeout")
    dig(params, "api", "security_groups", 1, "ip_permissions").pop()


def elastic_ip_elsewhere(params: Params) -> None:
    dig(params, "api", "addresses", 0)["instance_id"] = "i-private"
    dig(params, "api", "instances", 1)["public_ip_address"] = ELASTIC_IP
    here, there = params["api"]["network_interfaces"]
    here["association"], there["association"] = None, here["association"]


def private_machine_stopped(params: Params) -> None:
    private_unreachable(params)
    dig(params, "api", "instances", 1)["state"] = {"name": "stopped"}


def acl_denies_replies(params: Params) -> None:
    no_egress(params)
    denial = acl_entry(50, egress=False, action="deny", protocol="6", port_range={"from": 1024, "to": 65535})
    dig(params, "api", "network_acls", 0, "entries").append(denial)


def egress_removed(params: Params) -> None:
    no_egress(params)
    dig(params, "api", "security_groups", 1)["ip_permissions_egress"] = []


def gateway_detached(params: Params) -> None:
    params["api"]["internet_gateways"] = []
    dig(params, "api", "route_tables", 1, "routes", 1)["state"] = "blackhole"


def groups_swapped(params: Params) -> None:
    swapped = [{"group_id": "sg-private", "group_name": "sidedish-playground-private"}]
    dig(params, "api", "instances", 0)["security_groups"] = swapped
    dig(params, "api", "network_interfaces", 0)["groups"] = swapped


def metadata_without_token(params: Params) -> None:
    dig(params, "api", "instances", 0, "metadata_options")["http_tokens"] = "optional"


def endpoint_gone(params: Params) -> None:
    params["api"]["endpoints"] = []
    dig(params, "api", "route_tables", 2, "routes").pop()


def names_off(params: Params) -> None:
    dig(params, "api", "vpcs", 0)["enable_dns_support"] = False


def subnet_gives_addresses(params: Params) -> None:
    dig(params, "api", "subnets", 1)["map_public_ip_on_launch"] = True


def route_to_a_peer(params: Params) -> None:
    peer = {"destination_cidr_block": "10.9.0.0/16", "vpc_peering_connection_id": "pcx-1", "state": "active"}
    dig(params, "api", "route_tables", 2, "routes").append(peer)


FAULTS = {
    source_dest_check_on: "source/dest check of public",
    private_route_missing: "default route of private",
    private_route_blackhole: "default route of private",
    subnet_falls_back_to_main_table: "route table of the private subnet: the main one",
    mysql_open_to_the_world: ("security group sidedish-playground-private admits tcp 3306 from 0.0.0.0/0"),
    mysql_open_to_the_world_on_public: ("security group sidedish-playground-public admits tcp 3306 from 0.0.0.0/0"),
    everything_open: ("security group sidedish-playground-private admits all protocols from ::/0"),
    ping_open_to_the_world: "security group sidedish-playground-public admits icmp from 0.0.0.0/0",
    mysql_rule_gone: "security group of private lacks tcp 3306 from public",
    elastic_ip_elsewhere: "Elastic IP of public",
    private_machine_stopped: "machine private",
    acl_denies_replies: "network ACL acl-default: ingress entry 50 denies tcp 1024-65535 0.0.0.0/0",
    egress_removed: "security group sidedish-playground-private: no egress rule at all",
    gateway_detached: "internet gateway of the VPC",
    groups_swapped: "security groups of public: sidedish-playground-private",
    metadata_without_token: "instance metadata of public (IMDSv1)",
    endpoint_gone: "S3 endpoint of the VPC",
    names_off: "DNS support of the VPC",
    subnet_gives_addresses: "subnet private gives every new machine a public address",
    route_to_a_peer: "route table of the private subnet has more than it should: 10.9.0.0/16 -> pcx-1",
}


def test_a_green_environment_has_no_wrong_answer() -> None:
    assert wrong(green()) == []
    assert len(findings_of(green())) > 60


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_is_the_first_suspect_with_its_advice(fault: Any) -> None:
    params = green()
    fault(params)
    check_suspect(params, FAULTS[fault])
