"""Put the findings of all parts together, in the order in which people read them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import asked, cells, changes, declared, forwarding, hosts, service, strangers, system
from .model import NAT_GATEWAY, Cell, Finding, Intent, Suspect
from .paths.account import Account
from .paths.read import read


def error_of(observation: Mapping[str, Any] | None) -> str:
    """Why a vantage point gave no answers, in one line; nothing where it did."""
    if not observation:
        return "it is not among the running machines that --limit chose"
    if "cells" in observation:
        return ""
    lines = str(observation.get("msg", "no message")).strip().splitlines()
    return lines[-1] if lines else "no message"


@dataclass(frozen=True)
class Judgement:
    """All findings, what may explain a wrong one, and the state to compare the next proof with."""

    findings: list[Finding]
    clues: list[Suspect]
    state: dict[str, dict[str, str]]

    @property
    def is_green(self) -> bool:
        return all(finding.ok for finding in self.findings)


def judge(params: Mapping[str, Any], before: Mapping[str, Any]) -> Judgement:
    """Everything about one environment; `before` is the state when it was last green."""
    environment: str = params["environment"]
    api = {kind: found for kind, found in params["api"].items() if isinstance(found, list)}
    account = read(api, environment)
    matrix = [cell for cell in map(Cell.parse, params["matrix"]) if asked.exists(cell, account)]
    machines: Mapping[str, Mapping[str, Any]] = {
        name: {**one, "services": [service for service in one["services"] if service.get("wanted", True)]}
        for name, one in params["machines"].items()
    }
    observations = params["observations"]
    errors = {name: error_of(observations.get(name)) for name in ["internet", *machines]}
    seen = {name: observations[name] for name, error in errors.items() if not error}
    guests = {name: observations[name] for name in cells.GUESTS if not error_of(observations.get(name))}
    outside = seen.get("internet", {})

    operator = asked.operator_address(peer_of(outside), params["admin_cidrs"])
    resolved = {name: one.get("resolved", {}) for name, one in {**seen, **guests}.items()}
    paths = asked.declared_paths(matrix, account, operator, resolved)
    answers = {name: seen[name]["cells"] if name in seen else None for name in errors}
    answers |= {name: one["cells"] for name, one in guests.items()}
    findings = cells.judge_cells(matrix, answers, paths, environment)
    silence = {name: observations.get(name) or {"msg": "no machine there can be asked"} for name in cells.GUESTS}
    findings += cells.judge_guests(matrix, answers, {name: error_of(one) for name, one in silence.items()})
    entered = [name for name, one in observations.items() if one and not one.get("unreachable")]
    findings += cells.judge_vantages(list(machines), errors, entered, environment)
    ours = own(api, account)
    findings += judge_service({**params, "api": ours}, outside, seen, environment)
    intent = Intent(matrix, params["admin_cidrs"], params["translator"], environment)
    subnets = {name: str(machine["subnet"]) for name, machine in machines.items()}
    findings += declared.judge_declared(ours, list(machines), subnets, intent, params["s3_endpoint"])
    clues = []
    for name, machine in machines.items():
        if name in seen:
            evidence = seen[name]["evidence"]
            findings += hosts.judge_host(name, evidence, machine["services"], machine["forwarded_cidrs"], environment)
            s3 = next((one["s3"] for one in resolved.values() if "s3" in one), "")
            findings += forwarding.judge_shortcut(
                name, evidence, machine["forwarded_cidrs"], s3, params["s3_endpoint"], environment
            )
            began = float(params["api"]["asked_at"])  # the first that the operator's machine does
            findings += system.judge_time(name, float(seen[name]["asked_at"]), began, time.time(), environment)
            findings += strangers.judge_listeners(name, evidence, machine["services"], matrix, environment)
            if any(one["role"] == "mysql_server" for one in machine["services"]):
                findings += strangers.judge_database(name, evidence, environment)
            clues += system.clues(name, evidence, environment)
    after = changes.now({**params, "api": api}, account)
    return Judgement(findings, clues + changes.clues(before, after, environment), after)


def own(api: Mapping[str, list[dict[str, Any]]], account: Account) -> dict[str, list[dict[str, Any]]]:
    """What is in the VPC of this environment; of an Elastic IP, EC2 does not say the VPC."""
    vpcs = {one.id for one in account.vpcs if one.environment == account.environment}

    def ours(one: Mapping[str, Any]) -> bool:
        attached = {attachment["vpc_id"] for attachment in one.get("attachments", [])}
        return bool(attached & vpcs) if "attachments" in one else one.get("vpc_id", next(iter(vpcs), "")) in vpcs

    return {kind: [one for one in found if ours(one)] for kind, found in api.items()}


def peer_of(outside: Mapping[str, Any]) -> str:
    """The address that SSH saw the operator come from."""
    return str(outside.get("logins", {}).get("public", {}).get("peer", ""))


def judge_service(
    params: Mapping[str, Any],
    outside: Mapping[str, Any],
    seen: Mapping[str, Mapping[str, Any]],
    environment: str,
) -> list[Finding]:
    """The page, the way out, the logins."""
    logins, page = outside.get("logins", {}), outside.get("pages", {}).get("page")
    operator = peer_of(outside)
    patterns = params["page"]
    api = params["api"]
    ours = {one["instance_id"] for one in api["instances"]}
    elastic = next((str(one["public_ip"]) for one in api["addresses"] if one.get("instance_id") in ours), "")
    faces = [face for one in api["nat_gateways"] for face in one["nat_gateway_addresses"]]
    gateway = [str(face["public_ip"]) for face in faces if face.get("public_ip")]
    local = seen.get("public", {}).get("pages", {}).get("application")
    findings = service.judge_page(page, patterns["row"], environment, local)
    findings += service.judge_balanced(outside.get("pages", {}).get("balanced"), patterns["row"], environment)
    findings += service.judge_client(page, patterns["client"], operator, environment)
    for name, machine in params["machines"].items():
        answer = seen[name]["pages"].get("egress") if name in seen else None
        if machine["egress"]:
            managed = params["translator"].get(name) == NAT_GATEWAY
            address = next(iter(gateway), "") if managed else elastic
            findings.append(service.judge_egress(name, answer, address, environment))
    for name, one in seen.items():
        findings += service.judge_database(name, str(one.get("database", "")), environment)
    bastions = [str(machine["address"]) for name, machine in params["machines"].items() if name == "public"]
    findings += service.judge_logins(logins, bastions[0] if bastions else "", elastic, environment)
    return findings
