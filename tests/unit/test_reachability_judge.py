"""The judging side: a green environment is green, and each fault is named first."""

from __future__ import annotations

import copy
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml
from reachability import declared, hosts, report, service
from reachability.judge import judge
from reachability.model import Finding

REPO = Path(__file__).resolve().parents[2]
INTENT = yaml.safe_load(
    (REPO / "group_vars/all/reachability.yml").read_text().replace("{{ app_tomcat_version }}", "11")
)
MATRIX: list[dict[str, Any]] = INTENT["reachability_matrix"]

ELASTIC_IP, GATEWAY_IP, OPERATOR = "198.51.100.7", "198.51.100.8", "203.0.113.9"
PUBLIC, PRIVATE = "10.1.1.10", "10.1.2.10"
TRANSLATION = "-A POSTROUTING -s 10.1.2.0/24 -o ens5 -j MASQUERADE"
Params = dict[str, Any]


def answers(vantage: str) -> dict[str, str]:
    """What everybody hears in a green environment."""
    sources = ("operator", "internet") if vantage == "internet" else (vantage,)
    good = {"open": "open", "closed": "refused", "filtered": "filtered"}
    return {
        f"{row['from']} -> {row['to']}:{row['port']}": "no address"
        if (vantage, row["to"]) == ("internet", "private")
        else good[row["expect"]]
        for row in MATRIX
        if row["from"] in sources
    }


def instance(tier: str, address: str, *, check: bool, public: str = "") -> dict[str, Any]:
    return {
        "instance_id": f"i-{tier}",
        "state": {"name": "running"},
        "tags": {"Tier": tier},
        "source_dest_check": check,
        "public_ip_address": public or None,
        "private_ip_address": address,
        "subnet_id": f"subnet-{tier}",
        "network_interfaces": [{"network_interface_id": f"eni-{tier}"}],
        "security_groups": [{"group_id": f"sg-{tier}", "group_name": f"sidedish-playground-{tier}"}],
    }


def permission(port: int, *cidrs: str, groups: tuple[str, ...] = (), protocol: str = "tcp") -> dict[str, Any]:
    return {
        "ip_protocol": protocol,
        "from_port": port,
        "to_port": port,
        "ip_ranges": [{"cidr_ip": cidr} for cidr in cidrs],
        "user_id_group_pairs": [{"group_id": group} for group in groups],
    }


def route_table(tier: str, **target: str) -> dict[str, Any]:
    return {
        "route_table_id": f"rtb-{tier}",
        "associations": [{"subnet_id": f"subnet-{tier}", "main": False}],
        "routes": [
            {"destination_cidr_block": "10.1.0.0/16", "gateway_id": "local", "state": "active"},
            {"destination_cidr_block": "0.0.0.0/0", "state": "active", **target},
        ],
    }


def api() -> dict[str, Any]:
    return {
        "instances": [
            instance("public", PUBLIC, check=False, public=ELASTIC_IP),
            instance("private", PRIVATE, check=True),
        ],
        "addresses": [{"public_ip": ELASTIC_IP, "instance_id": "i-public"}],
        "nat_gateways": [],
        "route_tables": [
            {"route_table_id": "rtb-main", "associations": [{"main": True}], "routes": []},
            route_table("public", gateway_id="igw-1"),
            route_table("private", network_interface_id="eni-public"),
        ],
        "security_groups": [
            {
                "group_id": "sg-public",
                "group_name": "sidedish-playground-public",
                "ip_permissions": [
                    permission(80, "0.0.0.0/0"),
                    permission(22, "0.0.0.0/0"),
                    permission(80, "10.1.2.0/24"),
                    permission(443, "10.1.2.0/24"),
                    permission(123, "10.1.2.0/24", protocol="udp"),
                    permission(8, "10.1.2.0/24", protocol="icmp") | {"to_port": -1},
                ],
            },
            {
                "group_id": "sg-private",
                "group_name": "sidedish-playground-private",
                "ip_permissions": [
                    permission(22, groups=("sg-public",)),
                    permission(3306, groups=("sg-public",)),
                ],
            },
            {
                "group_id": "sg-default",
                "group_name": "default",
                "ip_permissions": [permission(1, "0.0.0.0/0")],  # not attached: nothing to say
            },
        ],
    }


def evidence(**changes: Any) -> dict[str, Any]:
    found = {
        "ip_forward": "1",
        "translations": [TRANSLATION],
        "listeners": ["0.0.0.0:22", "*:80", "[::ffff:127.0.0.1]:8080"],
        "default_interface": "ens5",
        "units": {"ssh": "active", "nginx": "active", "tomcat11": "active", "nat-doctor.timer": "active"},
        "failed": [],
    }
    return found | changes


def green() -> Params:
    services = {name: machine["services"] for name, machine in INTENT["reachability_machines"].items()}
    egress = {"egress": {"status": 200, "text": ELASTIC_IP}}
    return {
        "environment": "playground",
        "matrix": MATRIX,
        "admin_cidrs": ["0.0.0.0/0"],
        "translator": {"private": "public"},
        "page": {
            "row": INTENT["reachability_page_row_pattern"],
            "client": INTENT["reachability_page_client_pattern"],
        },
        "machines": {
            "public": {
                "address": PUBLIC,
                "subnet": "10.1.1.0/24",
                "egress": True,
                "forwarded_cidrs": ["10.1.2.0/24"],
                "services": services["public"],
            },
            "private": {
                "address": PRIVATE,
                "subnet": "10.1.2.0/24",
                "egress": True,
                "forwarded_cidrs": [],
                "services": services["private"],
            },
        },
        "api": api(),
        "observations": {
            "internet": {
                "cells": answers("internet"),
                "pages": {"page": {"status": 200, "text": f"row: kimchi\nclient: {OPERATOR}"}},
                "logins": {
                    "public": {"ok": True, "peer": OPERATOR, "error": ""},
                    "jump": {"ok": True, "peer": PUBLIC, "error": ""},
                    "agent": {"ok": True, "peer": PUBLIC, "error": ""},
                },
                "evidence": {},
            },
            "public": {
                "cells": answers("public"),
                "pages": copy.deepcopy(egress),
                "logins": {},
                "evidence": evidence(),
            },
            "private": {
                "cells": answers("private"),
                "pages": copy.deepcopy(egress),
                "logins": {},
                "evidence": evidence(
                    ip_forward="0",
                    translations=[],
                    listeners=["0.0.0.0:22", "10.1.2.10:3306"],
                    units={"ssh": "active", "mysql": "active"},
                ),
            },
        },
    }


def dig(params: Params, *path: Any) -> Any:
    for step in path:
        params = params[step]
    return params


def no_egress(params: Params) -> None:
    dig(params, "observations", "private", "cells")["private -> internet:80"] = "filtered"
    dig(params, "observations", "private", "pages")["egress"] = {
        "status": 0,
        "text": "",
        "error": "timed out",
    }


def page(params: Params, status: int, text: str = "") -> None:
    dig(params, "observations", "internet", "pages")["page"] = {"status": status, "text": text, "error": "no"}


def no_database(params: Params) -> None:
    dig(params, "observations", "public", "cells")["public -> private:3306"] = "refused"
    page(params, 503, "The database does not answer: connection refused")


def masquerade_flushed(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence")["translations"] = []


def forwarding_off(params: Params) -> None:
    no_egress(params)
    dig(params, "observations", "public", "evidence")["ip_forward"] = "0"


def source_dest_check_on(params: Params) -> None:
    no_egress(params)
    dig(params, "api", "instances", 0)["source_dest_check"] = True


def private_route_missing(params: Params) -> None:
    no_egress(params)
    dig(params, "api", "route_tables", 2)["routes"].pop()


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
    dig(params, "observations", "public", "evidence", "units")["nginx"] = "inactive"
    dig(params, "observations", "public", "evidence")["listeners"].remove("*:80")


def tomcat_stopped(params: Params) -> None:
    page(params, 502, "Bad gateway")
    dig(params, "observations", "public", "evidence", "units")["tomcat11"] = "inactive"
    dig(params, "observations", "public", "evidence")["listeners"].pop()


def tomcat_published(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["listeners"][2] = "*:8080"


def doctor_stopped(params: Params) -> None:
    dig(params, "observations", "public", "evidence", "units")["nat-doctor.timer"] = "inactive"


def doctor_cannot_help(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["failed"].append("nat-doctor.service")


def mysql_on_loopback(params: Params) -> None:
    no_database(params)
    dig(params, "observations", "private", "evidence")["listeners"][1] = "127.0.0.1:3306"


def mysql_stopped(params: Params) -> None:
    no_database(params)
    dig(params, "observations", "private", "evidence", "units")["mysql"] = "inactive"
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


def private_machine_stopped(params: Params) -> None:
    private_unreachable(params)
    dig(params, "api", "instances", 1)["state"] = {"name": "stopped"}


def valve_missing(params: Params) -> None:
    page(params, 200, "row: kimchi\nclient: 127.0.0.1")


FAULTS = {
    masquerade_flushed: "MASQUERADE rule on public",
    forwarding_off: "net.ipv4.ip_forward on public",
    source_dest_check_on: "source/dest check of public",
    private_route_missing: "default route of private",
    private_route_blackhole: "default route of private",
    subnet_falls_back_to_main_table: "default route of private",
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
    account_refused: "MySQL on private, or the application's account in it",
    agent_forwarding_off: "AllowAgentForwarding in sshd of public",
    private_unreachable: "SSH login to private",
    private_machine_stopped: "machine private",
    elastic_ip_elsewhere: "Elastic IP of public",
    valve_missing: "forwarded headers (RemoteIpValve in Tomcat, X-Forwarded-For in nginx)",
}


def wrong(findings: list[Finding]) -> list[str]:
    return [finding.question for finding in findings if not finding.ok]


def test_a_green_environment_has_no_wrong_answer() -> None:
    findings = judge(green())
    assert wrong(findings) == []
    assert len(findings) > 30


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_is_the_first_suspect(fault: Any) -> None:
    params = green()
    fault(params)
    findings = judge(params)
    assert wrong(findings)
    assert report.suspects(findings)[0].name == FAULTS[fault]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_advice_ends_with_a_command(fault: Any) -> None:
    params = green()
    fault(params)
    advice = report.advice(judge(params))
    assert FAULTS[fault] in advice
    assert "Repair: ansible-playbook playbooks/site.yml --limit playground" in advice


def through_gateway() -> Params:
    """The same environment with a managed NAT gateway."""
    params = green()
    params["translator"] = {"private": "NAT gateway"}
    params["machines"]["public"]["forwarded_cidrs"] = []
    params["api"]["nat_gateways"] = [{"nat_gateway_addresses": [{"public_ip": GATEWAY_IP}]}]
    params["api"]["route_tables"][2] = route_table("private", nat_gateway_id="nat-1")
    params["api"]["instances"][0]["source_dest_check"] = True
    group = dig(params, "api", "security_groups", 0)
    group["ip_permissions"] = group["ip_permissions"][:2]
    params["observations"]["public"]["evidence"] = evidence(ip_forward="0", translations=[])
    params["observations"]["private"]["pages"]["egress"]["text"] = GATEWAY_IP
    return params


def test_a_managed_gateway_takes_the_place_of_the_public_machine() -> None:
    assert wrong(judge(through_gateway())) == []


def test_a_private_machine_that_still_leaves_by_the_public_one_is_named() -> None:
    params = through_gateway()
    params["api"]["route_tables"][2] = route_table("private", network_interface_id="eni-public")
    params["observations"]["private"]["pages"]["egress"]["text"] = ELASTIC_IP
    assert report.suspects(judge(params))[0].name == "default route of private"


def test_a_fault_without_evidence_is_still_explained_by_its_packets() -> None:
    params = green()
    dig(params, "observations", "public", "cells")["public -> private:22"] = "filtered"
    (suspect,) = report.suspects(judge(params))
    assert suspect.name == "way from public to private:22"


def test_an_unreachable_machine_leaves_its_rows_unasked_and_the_run_red() -> None:
    params = green()
    private_unreachable(params)
    findings = judge(params)
    by_question = {finding.question: finding for finding in findings}
    assert by_question["private -> internet:80"].ok is None
    assert by_question["operator logs in to private"].ok is False
    assert not all(finding.ok for finding in findings)


def test_admin_cidrs_are_the_only_ones_who_may_knock_at_22() -> None:
    params = green()
    params["admin_cidrs"] = ["203.0.113.0/24", "198.51.100.0/24"]
    group = dig(params, "api", "security_groups", 0)
    assert "security group of public admits beyond the matrix" in wrong(judge(params))
    group["ip_permissions"][1] = permission(22, "203.0.113.0/24", "198.51.100.0/24")
    assert wrong(judge(params)) == []
    group["ip_permissions"][1] = permission(22, "203.0.113.0/24")
    assert wrong(judge(params)) == ["security group of public lacks from the matrix"]


def test_a_rule_for_a_range_of_ports_is_more_than_its_ends() -> None:
    params = green()
    rule = permission(22, groups=("sg-public",)) | {"to_port": 3306}
    dig(params, "api", "security_groups", 1)["ip_permissions"] = [rule]
    (suspect,) = report.suspects(judge(params))
    assert suspect.name.endswith("admits tcp 22-3306 from sg-public")


def test_the_private_range_may_be_admitted_by_its_group_as_well() -> None:
    params = green()
    group = dig(params, "api", "security_groups", 0)
    everything = {"ip_protocol": "-1", "user_id_group_pairs": [{"group_id": "sg-private"}]}
    group["ip_permissions"] = [*group["ip_permissions"][:2], everything]
    assert wrong(judge(params)) == []


def test_the_whole_vpc_is_more_than_the_private_range() -> None:
    params = green()
    dig(params, "api", "security_groups", 0, "ip_permissions").append(permission(443, "10.1.0.0/16"))
    assert wrong(judge(params)) == ["security group of public admits beyond the matrix"]


def test_an_application_of_ones_own_is_asked_for_its_status_alone() -> None:
    params = green()
    params["page"] = {"row": "", "client": ""}
    page(params, 200, "hello")
    assert wrong(judge(params)) == []


def test_a_client_behind_many_addresses_is_no_alarm() -> None:
    params = green()
    page(params, 200, "row: kimchi\nclient: 203.0.113.77")
    assert wrong(judge(params)) == []


def test_a_page_without_its_row_is_wrong() -> None:
    params = green()
    page(params, 200, f"client: {OPERATOR}")
    assert wrong(judge(params)) == ["the page shows a row of the database"]


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        (TRANSLATION, True),
        ("-A POSTROUTING -o ens5 -j MASQUERADE", True),
        ("-A POSTROUTING -s 10.1.0.0/16 -j SNAT --to-source 10.1.1.10", True),
        ('-A POSTROUTING -s 10.1.2.0/24 -o ens5 -m comment --comment "onebox: NAT" -j MASQUERADE', True),
        ("-A POSTROUTING -s 10.1.3.0/24 -o ens5 -j MASQUERADE", False),
        ("-A POSTROUTING -s 10.1.2.0/24 -o eth0 -j MASQUERADE", False),
        ("-A POSTROUTING -s 10.1.2.0/24 -o ens5 -j ACCEPT", False),
    ],
)
def test_a_translation_counts_when_it_hides_the_range_on_the_way_out(rule: str, good: bool) -> None:
    assert hosts.translates(rule, "10.1.2.0/24", "ens5") is good


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("[::1]", True), ("[::ffff:127.0.0.1]", True), ("127.0.0.53%lo", True)]
    + [(address, False) for address in ("0.0.0.0", "*", "[::]", "10.1.2.10", "[::ffff:10.1.2.10]")],
)
def test_loopback_is_known_in_all_its_spellings(address: str, loopback: bool) -> None:
    assert hosts.is_loopback(address) is loopback


def test_a_route_to_nowhere_says_so() -> None:
    route = {"network_interface_id": "eni-1", "state": "blackhole"}
    assert declared.describe_route(route, {"eni-1": "public"}) == "public (blackhole)"
    assert declared.describe_route(None, {}) == "none"


def test_a_pattern_without_a_group_gives_the_whole_match() -> None:
    assert service.first_match("row", "a row") == "row"
    assert service.first_match(r"row: (\S+)", "nothing") == ""


def test_the_table_is_aligned_and_ends_no_line_with_spaces() -> None:
    lines = report.table(judge(green())).splitlines()
    heads = [line for line in lines if line.endswith("verdict")]
    assert len(heads) == 4
    assert len({line.index("verdict") for line in heads}) == 1
    assert all(line == line.rstrip() for line in lines)
    assert "internet -> private:3306" in "\n".join(lines)


def test_korean_rows_are_aligned_as_a_terminal_shows_them() -> None:
    params = green()
    page(params, 200, f"row: 김치\nclient: {OPERATOR}")
    lines = report.table(judge(params)).splitlines()
    (korean,) = (line for line in lines if "김치" in line)
    (other,) = (line for line in lines if line.startswith("operator opens the page"))
    assert korean.index("ok") + len("김치") == other.index("ok")


def test_json_and_junit_say_the_same_as_the_table() -> None:
    params = green()
    masquerade_flushed(params)
    private_unreachable(params)
    findings = judge(params)
    data = json.loads(report.as_json("playground", findings))
    suite = ET.fromstring(report.as_junit("playground", findings))
    assert data["green"] is False
    assert data["suspects"][0]["name"] == report.suspects(findings)[0].name
    assert (
        suite.get("failures")
        == str(len(suite.findall("*/failure")))
        == str(sum(finding["verdict"] == "WRONG" for finding in data["findings"]))
    )
    assert suite.get("skipped") == str(len(suite.findall("*/skipped")))
    assert len(suite) == len(data["findings"])
