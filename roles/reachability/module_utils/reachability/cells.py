"""Judge the packets: what each vantage point was answered against what the matrix intends."""

from __future__ import annotations

from collections.abc import Mapping

from .model import OUTSIDE, RANK_LOGIN, RANK_PACKET, Cell, Finding, Suspect, repair

ACCEPTED = {
    "open": {"open"},
    # Refused is closed too, where a group lets the packet through on purpose (NAT) and nobody listens.
    "closed": {"refused", "filtered", "unreachable", "no address"},
    # The group itself must drop it: "refused" would mean that the packet got in.
    "filtered": {"filtered", "no address"},
}


def vantage_of(cell: Cell) -> str:
    return "internet" if cell.source in OUTSIDE else cell.source


def judge_cells(matrix: list[Cell], answers: Mapping[str, Mapping[str, str] | None], environment: str) -> list[Finding]:
    """One finding per row; a vantage point without answers makes its rows "not asked"."""
    findings = []
    for cell in matrix:
        answered = answers.get(vantage_of(cell))
        observed = answered.get(cell.name) if answered is not None else None
        if observed is None:
            findings.append(Finding("packets", cell.name, cell.expect, "-", None, cell.reason))
            continue
        ok = observed in ACCEPTED[cell.expect]
        suspect = None if ok else suspect_of(cell, observed, environment)
        findings.append(Finding("packets", cell.name, cell.expect, observed, ok, cell.reason, suspect))
    return findings


def suspect_of(cell: Cell, observed: str, environment: str) -> Suspect:
    """What the answer alone can say; evidence of the machines and the API ranks before it."""
    there = f"{cell.target}:{cell.port}"
    if cell.expect != "open":
        if observed == "unresolved":
            name, look = f"name of {cell.target}", f"The name behind {cell.target} did not resolve."
        else:
            name = f"security group of {cell.target}, port {cell.port}"
            look = f"A packet from {cell.source} got through to {there} and was {observed}."
    elif observed == "refused":
        name = f"nothing listens on {there}"
        look = f"The packet arrived at {cell.target} and no process accepted it."
    elif observed == "unresolved":
        name = f"name resolution on {cell.source}"
        look = f"{cell.source} cannot resolve the name behind {cell.target}."
    elif observed == "no address":
        name = f"address of {cell.target}"
        look = f"{cell.target} has no address that {cell.source} could ask."
    else:
        name = f"way from {cell.source} to {there}"
        look = (
            f"No answer came back: the security group of {cell.target}, the route table of "
            f"{cell.source} or a packet filter drops it."
        )
    return Suspect(RANK_PACKET, name, look, repair(environment))


def judge_vantages(machines: list[str], errors: Mapping[str, str], environment: str) -> list[Finding]:
    """Whether Ansible could log in to each machine that should be asked."""
    findings = []
    for machine in machines:
        error = errors.get(machine, "")
        suspect = Suspect(
            # The bastion first: who cannot enter it reaches nobody behind it.
            RANK_LOGIN + (machine != "public"),
            f"SSH login to {machine}",
            f"{machine} could not be asked: {error}",
            repair(environment),
        )
        findings.append(
            Finding(
                "service",
                f"operator logs in to {machine}",
                "yes",
                "no" if error else "yes",
                not error,
                "every other answer of this machine depends on it",
                suspect if error else None,
            )
        )
    return findings
