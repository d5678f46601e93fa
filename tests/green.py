"""A green environment as the judge of the proof is given it, to be broken by tests."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import yaml
from reachability.judge import Judgement, judge
from reachability.model import Finding
from reachability.probe import cells_from
from reachability.report import suspects

from tests.green_api import ELASTIC_IP, PRIVATE, PUBLIC, api

REPO = Path(__file__).resolve().parents[1]
HTTPS = "{{ 'filtered' if app_tls == 'none' else 'open' }}"
INTENT = yaml.safe_load((REPO / "group_vars/all/reachability.yml").read_text())
MATRIX: list[dict[str, Any]] = INTENT["reachability_matrix"]
for row in MATRIX:
    row["expect"] = {HTTPS: "filtered"}.get(row["expect"], row["expect"])

GATEWAY_IP, OPERATOR = "198.51.100.8", "203.0.113.9"
TRANSLATION = "-A POSTROUTING -s 10.1.2.0/24 -o ens5 -j MASQUERADE"
Params = dict[str, Any]


def answers(vantage: str) -> dict[str, str]:
    """What everybody hears in a green environment."""
    good = {"open": "open", "refused": "refused", "closed": "filtered", "filtered": "filtered"}
    return {
        cell.name: "no address" if (vantage, cell.target) == ("internet", "private") else good[cell.expect]
        for cell in cells_from(vantage, MATRIX)
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
        "certificates": [],
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
                "asked_at": time.time(),
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
                "asked_at": time.time(),
                "cells": answers("public"),
                "pages": copy.deepcopy(egress),
                "logins": {},
                "evidence": evidence(),
            },
            "private": {
                "asked_at": time.time(),
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
