"""Put the findings of all parts together, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import cells, declared, hosts, service
from .model import NAT_GATEWAY, Cell, Finding, Intent


def error_of(observation: Mapping[str, Any] | None) -> str:
    """Why a vantage point gave no answers, in one line; nothing where it did."""
    if not observation:
        return "it is not among the running machines that --limit chose"
    if "cells" in observation:
        return ""
    lines = str(observation.get("msg", "no message")).strip().splitlines()
    return lines[-1] if lines else "no message"


def judge(params: Mapping[str, Any]) -> list[Finding]:
    """All findings about one environment."""
    environment: str = params["environment"]
    matrix = [Cell.parse(row) for row in params["matrix"]]
    machines: Mapping[str, Mapping[str, Any]] = params["machines"]
    observations = params["observations"]
    errors = {name: error_of(observations.get(name)) for name in ["internet", *machines]}
    seen = {name: observations[name] for name, error in errors.items() if not error}

    findings = cells.judge_cells(
        matrix, {name: seen[name]["cells"] if name in seen else None for name in errors}, environment
    )
    findings += cells.judge_vantages(list(machines), errors, environment)
    outside = seen.get("internet", {})
    findings += judge_service(params, outside, seen, environment)
    intent = Intent(matrix, params["admin_cidrs"], params["translator"], environment)
    subnets = {name: str(machine["subnet"]) for name, machine in machines.items()}
    findings += declared.judge_declared(params["api"], list(machines), subnets, intent)
    for name, machine in machines.items():
        if name in seen:
            findings += hosts.judge_host(
                name, seen[name]["evidence"], machine["services"], machine["forwarded_cidrs"], environment
            )
    return findings


def judge_service(
    params: Mapping[str, Any],
    outside: Mapping[str, Any],
    seen: Mapping[str, Mapping[str, Any]],
    environment: str,
) -> list[Finding]:
    """The page, the way out, the logins."""
    logins, page = outside.get("logins", {}), outside.get("pages", {}).get("page")
    operator = str(logins.get("public", {}).get("peer", ""))
    patterns = params["page"]
    elastic = next((str(one["public_ip"]) for one in params["api"]["addresses"] if one.get("instance_id")), "")
    gateway = [str(one["public_ip"]) for nat in params["api"]["nat_gateways"] for one in nat["nat_gateway_addresses"]]
    findings = service.judge_page(page, patterns["row"], environment)
    findings += service.judge_client(page, patterns["client"], operator, environment)
    for name, machine in params["machines"].items():
        answer = seen[name]["pages"].get("egress") if name in seen else None
        if machine["egress"]:
            managed = params["translator"].get(name) == NAT_GATEWAY
            address = next(iter(gateway), "") if managed else elastic
            findings.append(service.judge_egress(name, answer, address, environment))
    bastions = [str(machine["address"]) for name, machine in params["machines"].items() if name == "public"]
    findings += service.judge_logins(logins, bastions[0] if bastions else "", environment)
    return findings
