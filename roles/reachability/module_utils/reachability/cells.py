"""Judge the rows of the matrix: what is intended, what the API declares, what packets were answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .model import OTHER, OUTSIDE, RANK_LOGIN, RANK_PACKET, RANK_PATH, Cell, Finding, Suspect, repair
from .paths.codes import NOT_FOLLOWED
from .paths.packet import Path

ACCEPTED = {
    "open": {"open"},
    # The network lets it through, and nobody listens.
    "refused": {"refused"},
    # Refused is closed too, where a group lets the packet through on purpose (NAT) and nobody listens.
    "closed": {"refused", "filtered", "unreachable", "no address"},
    # The network itself must drop it: "refused" would mean that the packet got in.
    "filtered": {"filtered", "no address"},
}
DECLARED = {"open": {"admitted"}, "refused": {"admitted"}, "filtered": {"dropped"}, "closed": {"admitted", "dropped"}}
ARRIVED = ("open", "refused")
# Vantage points that need not be there, or may let nobody in: what they do not say is told, and no fault.
GUESTS = (OTHER, "isolated")
UNASKED = "not asked"  # this vantage point has no means to ask
# What a decision on a path is called, and which roles own it: a run of them alone is quicker than all.
KINDS = {
    "group": ("security group", "aws_network"),
    "acl": ("network ACL", ""),
    "route": ("route table", "aws_network,aws_instances"),
    "interface": ("source/dest check of", "aws_instances"),
    "gateway": ("internet gateway", "aws_network,aws_instances"),
    "endpoint": ("endpoint", "aws_instances"),
    "forwarder": ("forwarding by", "nat_masquerade"),
    "amazon": ("DNS of", "aws_network"),
    "end": ("answer of", ""),
}


def vantage_of(cell: Cell) -> str:
    return "internet" if cell.source in OUTSIDE else cell.source


def declared_of(path: Path | None) -> str:
    if path is None:
        return "-"
    if path.code == NOT_FOLLOWED:
        return "not followed"
    return "admitted" if path.is_open else "dropped"


def agree(declared: str, observed: str) -> bool:
    """Whether packets did what the API says."""
    if "-" in (declared, observed) or observed in (UNASKED, "unresolved"):
        return True
    return (declared == "admitted") == (observed in ARRIVED)


def judge_cells(
    matrix: list[Cell],
    answers: Mapping[str, Mapping[str, str] | None],
    paths: Mapping[str, Path],
    environment: str,
) -> list[Finding]:
    """One finding per row; a vantage point that should have answered and did not makes its rows "not asked"."""
    findings = []
    for cell in matrix:
        path = paths.get(cell.name)
        declared = declared_of(path)
        answered = answers.get(vantage_of(cell))
        observed = answered.get(cell.name, "-") if answered is not None else "-"
        expected = cell.packets and vantage_of(cell) in answers
        ok: bool | None = declared == "-" or declared in DECLARED[cell.expect]
        if observed == "-" and expected:
            ok = False if ok is False else None
        elif observed not in ("-", UNASKED):
            ok = ok and observed in ACCEPTED[cell.expect] and agree(declared, observed)
        suspect = None if ok is not False else suspect_of(cell, path, observed, environment)
        by = path.decided if path else None
        findings.append(
            Finding(
                "packets",
                cell.name,
                cell.expect,
                observed,
                ok,
                cell.reason,
                suspect,
                declared=declared,
                decided_by=f"{by.short}: {by.said}" if by else "",
            )
        )
    return findings


def judge_guests(
    matrix: list[Cell], answers: Mapping[str, Mapping[str, str] | None], errors: Mapping[str, str]
) -> list[Finding]:
    """Of rows whose sender could not be asked, it is said that they are declared only, and why."""
    silent = [name for name in errors if name not in answers and any(c.source == name and c.packets for c in matrix)]
    return [
        Finding("service", f"packets from {name}", "where it can be asked", f"declared only: {errors[name]}", True)
        for name in silent
    ]


def suspect_of(cell: Cell, path: Path | None, observed: str, environment: str) -> Suspect:
    """Which of the three columns stands alone, and where to look."""
    declared = declared_of(path)
    if path is None or (declared in DECLARED[cell.expect] and observed not in ACCEPTED[cell.expect]):
        return machine_suspect(cell, path, observed, environment)
    by = path.decided
    rule = f"{by.component}: {by.said}" + (f" ({path.code})" if path.code else "")
    if declared in DECLARED[cell.expect]:
        look = (
            f"{cell.name}: as intended, but the API declares {declared} and packets were {observed}: the API's column "
            f"stands alone. Look for a way past {rule}"
        )
    elif agree(declared, observed):
        seen = f"packets were {observed} too" if observed not in ("-", UNASKED) else "no packet was sent"
        look = (
            f"{cell.name} should be {cell.expect}, and the API declares {declared}; {seen}. "
            f"The rule that decides: {rule}. Mend it, or the row in group_vars/all/reachability.yml."
        )
    else:
        look = (
            f"{cell.name} should be {cell.expect}, and packets were {observed}, but the API declares {declared}: its "
            f"column stands alone, and what hides the rule today may be gone tomorrow. The rule: {rule}"
        )
    kind, roles = KINDS[by.kind]
    return Suspect(RANK_PATH, f"{kind} {by.short}: {by.said}", look, repair(environment, roles))


def machine_suspect(cell: Cell, path: Path | None, observed: str, environment: str) -> Suspect:
    """What the answer alone can say; evidence of the machines ranks before it."""
    there = f"{cell.target}{cell.service}"
    cleared = f" The API admits it ({path.decided.component}), so look at the machines." if path else ""
    if cell.expect != "open":
        name = f"name of {cell.target}" if observed == "unresolved" else f"way around the groups to {there}"
        look = f"A packet from {cell.source} got through to {there} and was {observed}."
        if observed == "unresolved":
            look = f"The name behind {cell.target} did not resolve."
        elif path and not path.is_open:
            look += f" The API says that {path.decided.component} drops it."
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
        look = f"No answer came back.{cleared}"
    return Suspect(RANK_PACKET, name, look, repair(environment))


def judge_vantages(
    machines: list[str], errors: Mapping[str, str], entered: Collection[str], environment: str
) -> list[Finding]:
    """Whether each machine that should be asked was; `entered` are those that Ansible could log in to, at least."""
    findings = []
    for machine in machines:
        error = errors.get(machine, "")
        suspect = Suspect(
            # The bastion first: who cannot enter it reaches nobody behind it.
            RANK_LOGIN + (machine != "public"),
            f"asking {machine}" if machine in entered else f"SSH login to {machine}",
            f"{machine} could not be asked: {error}",
            repair(environment),
        )
        findings.append(
            Finding(
                "service",
                f"operator logs in to {machine} and asks it",
                "yes",
                "no" if error else "yes",
                not error,
                "every other answer of this machine depends on it",
                suspect if error else None,
            )
        )
    return findings
