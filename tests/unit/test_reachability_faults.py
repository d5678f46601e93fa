"""A green environment is green, and each fault is the first suspect."""

from __future__ import annotations

from typing import Any

import pytest
from reachability import report

from tests.green import (
    ELASTIC_IP,
    Params,
    acl_entry,
    dig,
    findings_of,
    first_suspect,
    green,
    judged,
    page,
    permission,
    wrong,
)


def no_egress(params: Params) -> None:
    dig(params, "observations", "private", "cells")["private -> internet:80"] = "filtered"
    dig(params, "observations", "private", "pages")["egress"] = {
        "status": 0,
        "text": "",
        "error": "timed out",
    }


def no_database(params: Params) -> None:
    dig(params, "observations", "public", "cells")["public -> private:3306"] = "refused"
    page(params, 503, "The database does not answer: connection refused")


def stop(params: Params, machine: str, unit: str) -> None:
    dig(params, "observations", machine, "evidence", "units")[unit]["state"] = "inactive"


def masquerade_flushed(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence")["rules"]["nat"].pop()


def forwarding_off(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence")["ip_forward"] = "0"


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


def nginx_stopped(params: Params) -> None:
    dig(params, "observations", "internet", "cells")["internet -> public:80"] = "refused"
    page(params, 0)
    stop(params, "public", "nginx")
    dig(params, "observations", "public", "evidence")["listeners"].remove("*:80")


def tomcat_stopped(params: Params) -> None:
    page(params, 502, "Bad gateway")
    stop(params, "public", "tomcat11")
    dig(params, "observations", "public", "evidence")["listeners"].pop()


def tomcat_published(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["listeners"][2] = "*:8080"


def doctor_stopped(params: Params) -> None:
    stop(params, "public", "nat-doctor.timer")


def doctor_cannot_help(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["failed"].append("nat-doctor.service")


def mysql_on_loopback(params: Params) -> None:
    no_database(params)
    dig(params, "observations", "private", "evidence")["listeners"][1] = "127.0.0.1:3306"


def mysql_stopped(params: Params) -> None:
    no_database(params)
    stop(params, "private", "mysql")
    dig(params, "observations", "private", "evidence")["listeners"].pop()


def account_refused(params: Params) -> None:
    page(params, 503, "The database refuses the account")


def agent_forwarding_off(params: Params) -> None:
    dig(params, "observations", "internet", "logins")["agent"] = {
        "ok": False,
        "peer": "",
        "error": "Permission denied",
    }


def private_unreachable(params: Params) -> None:
    params["observations"]["private"] = {
        "unreachable": True,
        "msg": "Failed to connect\nConnection timed out",
    }


def elastic_ip_elsewhere(params: Params) -> None:
    dig(params, "api", "addresses", 0)["instance_id"] = "i-private"
    dig(params, "api", "instances", 1)["public_ip_address"] = ELASTIC_IP
    here, there = params["api"]["network_interfaces"]
    here["association"], there["association"] = None, here["association"]


def private_machine_stopped(params: Params) -> None:
    private_unreachable(params)
    dig(params, "api", "instances", 1)["state"] = {"name": "stopped"}


def valve_missing(params: Params) -> None:
    page(params, 200, "row: kimchi\nclient: 127.0.0.1")


def forwarding_dropped(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence", "rules", "filter").insert(1, "-A FORWARD -j DROP")


def forwarding_rule_gone(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence", "rules", "filter").pop()


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


def resolver_dead(params: Params) -> None:
    names = dig(params, "observations", "private", "evidence", "names")
    names["servers"], names["found"] = ["192.0.2.1"], {"checkip.amazonaws.com": ""}
    dig(params, "observations", "private", "cells")["private -> internet:80"] = "unresolved"


def mtu_narrow(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "interface")["mtu"] = 576


def disk_full(params: Params) -> None:
    dig(params, "observations", "private", "evidence", "disks", 0)["used"] = 100


def connections_full(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "connections")["count"] = 262000


def passwords_allowed(params: Params) -> None:
    dig(params, "observations", "private", "evidence", "ssh")["passwordauthentication"] = "yes"


def unit_disabled(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "units", "nginx")["enabled"] = "disabled"


def clock_alone(params: Params) -> None:
    dig(params, "observations", "private", "evidence", "clock")["synchronised"] = False


def settings_lost_at_reboot(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["doctor"] = "different: net.ipv4.conf.all.rp_filter"


def forwarding_lost_at_reboot(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["kept_forwarding"] = ""


def certificate_ends(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["certificate_days"] = 3


def bastion_opens_anything(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "ssh")["permitopen"] = "any"


def route_to_a_peer(params: Params) -> None:
    peer = {"destination_cidr_block": "10.9.0.0/16", "vpc_peering_connection_id": "pcx-1", "state": "active"}
    dig(params, "api", "route_tables", 2, "routes").append(peer)


def s3_through_the_nat(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["flows"].append(["10.1.2.10", "192.0.2.77"])


def proxy_points_elsewhere(params: Params) -> None:
    page(params, 502, "Bad gateway")
    good = {"status": 200, "text": "row: kimchi"}
    dig(params, "observations", "public", "pages")["application"] = good


FAULTS = {
    masquerade_flushed: "MASQUERADE rule on public",
    forwarding_off: "net.ipv4.ip_forward on public",
    source_dest_check_on: "source/dest check of public",
    private_route_missing: "default route of private",
    private_route_blackhole: "default route of private",
    subnet_falls_back_to_main_table: "route table of the private subnet: the main one",
    mysql_open_to_the_world: ("security group sidedish-playground-private admits tcp 3306 from 0.0.0.0/0"),
    mysql_open_to_the_world_on_public: ("security group sidedish-playground-public admits tcp 3306 from 0.0.0.0/0"),
    everything_open: ("security group sidedish-playground-private admits all protocols from ::/0"),
    ping_open_to_the_world: "security group sidedish-playground-public admits icmp from 0.0.0.0/0",
    mysql_rule_gone: "security group of private lacks tcp 3306 from public",
    nginx_stopped: "nginx on public is not running",
    doctor_stopped: "nat-doctor.timer on public is not running",
    doctor_cannot_help: "nat-doctor.service on public has failed",
    tomcat_stopped: "tomcat11 on public is not running",
    tomcat_published: "tomcat11 on public listens on the network, port 8080",
    mysql_on_loopback: "mysql on private listens on loopback only, port 3306",
    mysql_stopped: "mysql on private is not running",
    account_refused: "MySQL on private, or the application's account in it: it says 503",
    forwarding_dropped: "FORWARD chain on public: -A FORWARD -j DROP",
    forwarding_rule_gone: "FORWARD chain on public: policy DROP",
    acl_denies_replies: "network ACL acl-default: ingress entry 50 denies tcp 1024-65535 0.0.0.0/0",
    egress_removed: "security group sidedish-playground-private: no egress rule at all",
    gateway_detached: "internet gateway of the VPC",
    groups_swapped: "security groups of public: sidedish-playground-private",
    metadata_without_token: "instance metadata of public (IMDSv1)",
    endpoint_gone: "S3 endpoint of the VPC",
    names_off: "DNS support of the VPC",
    subnet_gives_addresses: "subnet private gives every new machine a public address",
    resolver_dead: "name resolution on private (asks 192.0.2.1)",
    mtu_narrow: "MTU of ens5 on public is 576",
    disk_full: "disk of private is full (/ 100 %)",
    connections_full: "connection table of public (99 % full)",
    passwords_allowed: "sshd of private: passwordauthentication yes",
    unit_disabled: "nginx on public is disabled",
    clock_alone: "clock of private follows no other",
    settings_lost_at_reboot: "NAT settings of public (different: net.ipv4.conf.all.rp_filter)",
    forwarding_lost_at_reboot: "forwarding of public after a reboot",
    certificate_ends: "certificate of public ends in 3 days",
    bastion_opens_anything: "sshd of public: permitopen any",
    route_to_a_peer: "route table of the private subnet has more than it should: 10.9.0.0/16 -> pcx-1",
    s3_through_the_nat: "S3 goes through public instead of the endpoint",
    proxy_points_elsewhere: "nginx on public: it does not hand on to Tomcat",
    agent_forwarding_off: "AllowAgentForwarding in sshd of public",
    private_unreachable: "SSH login to private",
    private_machine_stopped: "machine private",
    elastic_ip_elsewhere: "Elastic IP of public",
    valve_missing: "forwarded headers (RemoteIpValve in Tomcat, X-Forwarded-For in nginx)",
}


def test_a_green_environment_has_no_wrong_answer() -> None:
    assert wrong(green()) == []
    assert len(findings_of(green())) > 60


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_is_the_first_suspect(fault: Any) -> None:
    params = green()
    fault(params)
    assert wrong(params)
    assert first_suspect(params).startswith(FAULTS[fault])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_advice_ends_with_a_command(fault: Any) -> None:
    params = green()
    fault(params)
    found = judged(params)
    advice = report.advice(found.findings, found.clues)
    assert FAULTS[fault] in advice
    assert "Repair: ansible-playbook playbooks/site.yml --limit playground" in advice
