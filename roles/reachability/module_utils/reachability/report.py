"""One readable table, the suspects in order, and the same as JSON and JUnit XML."""

from __future__ import annotations

import json
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict

from .model import Finding, Suspect

TITLES = {
    "packets": "who reaches whom",
    "service": "what users get",
    "declared": "what the API declares",
    "hosts": "what the machines run",
}
MOST_SUSPECTS = 3


def suspects(findings: list[Finding], clues: Sequence[Suspect] = ()) -> list[Suspect]:
    """The causes behind the wrong answers, nearest first, each once; clues count only where something is wrong."""
    found = [finding.suspect for finding in findings if finding.ok is False and finding.suspect]
    if any(not finding.ok for finding in findings):
        found += clues
    ordered = sorted(found, key=lambda suspect: (suspect.rank, suspect.name))
    return list({suspect.name: suspect for suspect in reversed(ordered)}.values())[::-1]


def rows(findings: list[Finding], topic: str) -> list[tuple[str, ...]]:
    """The matrix has one column more than the rest: what the API declares, and by which rule."""
    told = [finding for finding in findings if finding.topic == topic]
    if topic == "packets":
        head: tuple[str, ...] = (TITLES[topic], "intended", "declared", "observed", "verdict", "decided by")
        return [head] + [
            (one.question, one.intended, one.declared, one.observed, one.verdict, one.decided_by) for one in told
        ]
    head = (TITLES[topic], "intended", "observed", "verdict")
    return [head, *((one.question, one.intended, one.observed, one.verdict) for one in told)]


def columns(text: str) -> int:
    """How wide a terminal shows it: a Korean letter takes two columns."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def table(findings: list[Finding]) -> str:
    """Columns aligned within each topic, the first over all."""
    blocks = [block for block in (rows(findings, topic) for topic in TITLES) if len(block) > 1]
    first = max((columns(row[0]) for block in blocks for row in block), default=0)
    lines = []
    for block in blocks:
        widths = [max(columns(row[column]) for row in block) for column in range(len(block[0]))]
        widths[0] = first
        for number, row in enumerate(block):
            cells = (cell + " " * (width - columns(cell)) for cell, width in zip(row, widths))
            lines.append("  ".join(cells).rstrip())
            if number == 0:
                lines.append("  ".join("-" * width for width in widths))
        lines.append("")
    return "\n".join(lines).rstrip()


def summary(findings: list[Finding]) -> str:
    """Counts in one sentence."""
    wrong = sum(finding.ok is False for finding in findings)
    unasked = sum(finding.ok is None for finding in findings)
    right = len(findings) - wrong - unasked
    text = f"{right} of {len(findings)} answers are as intended"
    if wrong:
        text += f", {wrong} wrong"
    if unasked:
        text += f", {unasked} not asked"
    return text + "."


def advice(findings: list[Finding], clues: Sequence[Suspect] = ()) -> str:
    """What is wrong, what to look at first, and the command that repairs it."""
    lines = [summary(findings)]
    for number, suspect in enumerate(suspects(findings, clues)[:MOST_SUSPECTS], start=1):
        title = "Look first at" if number == 1 else "Then at"
        lines += [f"{title}: {suspect.name}", f"  {suspect.look}", f"  Repair: {suspect.repair}"]
    return "\n".join(lines)


def as_json(environment: str, findings: list[Finding], clues: Sequence[Suspect] = (), when: str = "") -> str:
    """Everything that was asked and answered."""
    return json.dumps(
        {
            "environment": environment,
            "when": when,
            "green": all(finding.ok for finding in findings),
            "findings": [dict(asdict(finding), verdict=finding.verdict) for finding in findings],
            "suspects": [asdict(suspect) for suspect in suspects(findings, clues)],
        },
        indent=2,
        ensure_ascii=False,
    )


def as_junit(environment: str, findings: list[Finding]) -> str:
    """One test case per question, for any continuous integration."""
    suite = ET.Element(
        "testsuite",
        name=f"reachability of {environment}",
        tests=str(len(findings)),
        failures=str(sum(finding.ok is False for finding in findings)),
        errors="0",
        skipped=str(sum(finding.ok is None for finding in findings)),
    )
    for finding in findings:
        case = ET.SubElement(suite, "testcase", classname=f"{environment}.{finding.topic}", name=finding.question)
        if finding.ok is False:
            declared = f", declared {finding.declared}" if finding.declared else ""
            message = f"intended {finding.intended}{declared}, observed {finding.observed}"
            failure = ET.SubElement(case, "failure", message=message)
            if finding.suspect:
                failure.text = f"{finding.suspect.name}\n{finding.suspect.look}\n{finding.suspect.repair}"
        elif finding.ok is None:
            ET.SubElement(case, "skipped", message="nobody could be asked")
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
