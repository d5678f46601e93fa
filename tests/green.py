"""A green environment as the judge of the proof is given it, to be broken by tests."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml
from reachability.judge import Judgement, judge
from reachability.model import Finding
from reachability.probe import cells_from
from reachability.report import suspects

REPO = Path(__file__).resolve().parents[1]
HTTPS = "{{ 'filtered' if app_tls == 'none' else 'open' }}"
INTENT = yaml.safe_load((REPO / "group_vars/all/reachability.yml").read_text())
MATRIX: list[dict[str, Any]] = INTENT["reachability_matrix"]
for row in MATRIX:
    row["expect"] = {HTTPS: "filtered"}.get(row["expect"], row["expect"])

VPC = "vpc-1"
ELASTIC_IP, GATEWAY_IP, OPERATOR = "198.51.100.7", "198.51.100.8", "203.0.113.9"
PUBLIC, PRIVATE = "10.1.1.10", "10.1.2.10"
TRANSLATION = "-A POSTROUTING -s 10.1.2.0/24 -o ens5 -j MASQUERADE"
Params = dict[str, Any]


def answers(vantage: str) -> dict[str, str]:
    """What everybody hears in a green environment."""
    good = {"open": "open", "refused": "refused", "closed": "filtered", "filtered": "filtered"}
    return {
        cell.name: "no address" if (vantage, cell.target) == ("internet", "private") else good[cell.expect]
        for cell in cells_from(vantage, MATRIX)
    }


def instance(tier: str, address: str, *, check: bool, public: str = "") -> dict[str, Any]:
    return {
        "instance_id": f"i-{tier}",
        "state": {"name": "running"},
        "vpc_id": VPC,
        "tags": {"Tier": tier, "Name": f"sidedish-playground-{tier}", "Environment": "playground"},
        "metadata_options": {"http_tokens": "required"},
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


def interface(tier: str, address: str, *, check: bool, public: str = "") -> dict[str, Any]:
    return {
        "network_interface_id": f"eni-{tier}",
        "vpc_id": VPC,
        "subnet_id": f"subnet-{tier}",
        "private_ip_address": address,
        "private_ip_addresses": [{"private_ip_address": address}],
        "association": {"public_ip": public} if public else None,
        "attachment": {"instance_id": f"i-{tier}"},
        "groups": [{"group_id": f"sg-{tier}"}],
        "source_dest_check": check,
    }


def group(tier: str, *permissions: dict[str, Any]) -> dict[str, Any]:
    return {
        "group_id": f"sg-{tier}",
        "vpc_id": VPC,
        "group_name": f"sidedish-playground-{tier}",
        "tags": {"Tier": tier},
        "ip_permissions": list(permissions),
        "ip_permissions_egress": [{"ip_protocol": "-1", "ip_ranges": [{"cidr_ip": "0.0.0.0/0"}]}],
    }


def route_table(tier: str, **target: str) -> dict[str, Any]:
    return {
        "route_table_id": f"rtb-{tier}",
        "vpc_id": VPC,
        "tags": {"Tier": tier, "Name": f"sidedish-playground-{tier}-routes"},
        "associations": [{"subnet_id": f"subnet-{tier}", "main": False}],
        "routes": [
            {"destination_cidr_block": "10.1.0.0/16", "gateway_id": "local", "state": "active"},
            {"destination_cidr_block": "0.0.0.0/0", "state": "active", **target},
            {"destination_prefix_list_id": "pl-s3", "state": "active", "gateway_id": "vpce-s3"},
        ],
    }


def subnet(tier: str, cidr: str) -> dict[str, Any]:
    tags = {"Tier": tier, "Name": f"sidedish-playground-{tier}"}
    return {
        "subnet_id": f"subnet-{tier}",
        "vpc_id": VPC,
        "cidr_block": cidr,
        "map_public_ip_on_launch": False,
        "tags": tags,
    }


def network_acl() -> dict[str, Any]:
    return {
        "network_acl_id": "acl-default",
        "vpc_id": VPC,
        "associations": [{"subnet_id": "subnet-public"}, {"subnet_id": "subnet-private"}],
        "entries": [acl_entry(100, egress=egress) for egress in (True, False)],
    }


def acl_entry(number: int, *, egress: bool, action: str = "allow", **more: Any) -> dict[str, Any]:
    entry = {"rule_number": number, "rule_action": action, "egress": egress, "protocol": "-1"}
    return entry | {"cidr_block": "0.0.0.0/0"} | more


def api() -> dict[str, Any]:
    return {
        "vpcs": [
            {
                "vpc_id": VPC,
                "cidr_block": "10.1.0.0/16",
                "tags": {"Environment": "playground"},
                "enable_dns_support": True,
            }
        ],
        "subnets": [subnet("public", "10.1.1.0/24"), subnet("private", "10.1.2.0/24")],
        "instances": [
            instance("public", PUBLIC, check=False, public=ELASTIC_IP),
            instance("private", PRIVATE, check=True),
        ],
        "others": [],
        "network_interfaces": [
            interface("public", PUBLIC, check=False, public=ELASTIC_IP),
            interface("private", PRIVATE, check=True),
        ],
        "internet_gateways": [
            {"internet_gateway_id": "igw-1", "attachments": [{"vpc_id": VPC, "state": "available"}]},
        ],
        "network_acls": [network_acl()],
        "addresses": [{"public_ip": ELASTIC_IP, "instance_id": "i-public"}],
        "nat_gateways": [],
        "endpoints": [
            {
                "vpc_endpoint_id": "vpce-s3",
                "vpc_id": VPC,
                "service_name": "com.amazonaws.ap-northeast-2.s3",
                "state": "available",
                "route_table_ids": ["rtb-public", "rtb-private"],
            }
        ],
        "prefix_lists": [
            {
                "prefix_list_id": "pl-s3",
                "prefix_list_name": "com.amazonaws.ap-northeast-2.s3",
                "cidrs": ["192.0.2.0/24"],
            }
        ],
        "route_tables": [
            {"route_table_id": "rtb-main", "vpc_id": VPC, "tags": {}, "associations": [{"main": True}], "routes": []},
            route_table("public", gateway_id="igw-1"),
            route_table("private", network_interface_id="eni-public"),
        ],
        "security_groups": [
            group(
                "public",
                permission(80, "0.0.0.0/0"),
                permission(22, "0.0.0.0/0"),
                permission(80, "10.1.2.0/24"),
                permission(443, "10.1.2.0/24"),
                permission(123, "10.1.2.0/24", protocol="udp"),
                permission(8, "10.1.2.0/24", protocol="icmp") | {"to_port": -1},
            ),
            group("private", permission(22, groups=("sg-public",)), permission(3306, groups=("sg-public",))),
            # Attached to nobody: nothing to say.
            group("nobody", permission(1, "0.0.0.0/0")),
        ],
    }


RULES = {
    "nat": [":POSTROUTING ACCEPT", TRANSLATION],
    "filter": [
        ":FORWARD DROP",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -s 10.1.2.0/24 -o ens5 -m conntrack --ctstate NEW -j ACCEPT",
    ],
}


def units(*names: str) -> dict[str, dict[str, str]]:
    return {name: {"state": "active", "enabled": "enabled"} for name in names}


def evidence(**changes: Any) -> dict[str, Any]:
    found = {
        "ip_forward": "1",
        "kept_forwarding": "1",
        "rules": copy.deepcopy(RULES),
        "listeners": ["0.0.0.0:22", "*:80", "[::ffff:127.0.0.1]:8080"],
        "interface": {"name": "ens5", "mtu": 9001},
        "units": units("ssh", "nginx", "tomcat11", "nat-doctor.timer"),
        "failed": [],
        "disks": [{"mount": "/", "used": 20, "inodes": 5, "read_only": False}],
        "ssh": {
            "allowtcpforwarding": "local",
            "allowagentforwarding": "yes",
            "passwordauthentication": "no",
            "permitrootlogin": "no",
            "permitopen": "10.1.2.10:22 10.1.2.10:3306",
            "gatewayports": "no",
        },
        "connections": {"count": 40, "max": 262144},
        "clock": {"synchronised": True},
        "names": {"servers": ["10.1.0.2"], "found": {"checkip.amazonaws.com": "192.0.2.1"}, "own": "box"},
        "doctor": "",
        "certificate_days": None,
        "flows": [["10.1.2.10", "198.51.100.80"]],
        "state": None,
    }
    return found | changes


def green() -> Params:
    text = json.dumps(INTENT["reachability_machines"]).replace("{{ app_tomcat_version }}", "11")
    services = {name: machine["services"] for name, machine in json.loads(text).items()}
    egress = {"egress": {"status": 200, "text": ELASTIC_IP}}
    return {
        "environment": "playground",
        "matrix": MATRIX,
        "admin_cidrs": ["0.0.0.0/0"],
        "translator": {"private": "public"},
        "s3_endpoint": True,
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
                "resolved": {"internet": "198.51.100.80", "s3": "192.0.2.77"},
                "pages": copy.deepcopy(egress),
                "logins": {},
                "evidence": evidence(
                    ip_forward="0",
                    rules={},
                    doctor=None,
                    listeners=["0.0.0.0:22", "10.1.2.10:3306"],
                    units=units("ssh", "mysql"),
                ),
            },
        },
    }


def dig(params: Params, *path: Any) -> Any:
    for step in path:
        params = params[step]
    return params


def judged(params: Params, before: Params | None = None) -> Judgement:
    return judge(params, before or {})


def findings_of(params: Params) -> list[Finding]:
    return judged(params).findings


def wrong(params: Params) -> list[str]:
    return [finding.question for finding in findings_of(params) if not finding.ok]


def first_suspect(params: Params) -> str:
    found = judged(params)
    return suspects(found.findings, found.clues)[0].name


def page(params: Params, status: int, text: str = "") -> None:
    dig(params, "observations", "internet", "pages")["page"] = {"status": status, "text": text, "error": "no"}
