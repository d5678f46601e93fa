"""The arrows: rows of the matrix between the same two places, open ones and closed ones apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model import Cell
from ..paths.packet import Path
from ..paths.picture import draw

ELSEWHERE = {"operator": "operator", "internet": "internet", "other environment": "neighbours"}
# Every machine asks it, and an arrow from each would hide the rest; the table has them.
UNDRAWN = ("resolver",)


@dataclass(frozen=True)
class Arrow:
    """Who asks whom, and for what; open arrows are solid."""

    source: str
    target: str
    is_open: bool
    cells: tuple[Cell, ...]
    is_wrong: bool  # a row of it is not as intended
    is_verified: bool  # packets were sent, and each row is as intended

    @property
    def id(self) -> str:
        return f"{self.source}-{self.target}-{'open' if self.is_open else 'closed'}".replace(" ", "-")

    @property
    def label(self) -> str:
        """The services, each once."""
        return ", ".join(dict.fromkeys(cell.service.strip(" :") for cell in self.cells))


def row_of(cell: Cell, path: Path | None, finding: Mapping[str, Any] | None) -> dict[str, Any]:
    """One row as the page shows it."""
    declared = "" if path is None else "admitted" if path.is_open else "dropped"
    return {
        "name": cell.name,
        "reason": cell.reason,
        "intended": cell.expect,
        "declared": declared,
        "observed": finding["observed"] if finding else "not asked yet",
        "verdict": finding["verdict"] if finding else "not verified",
        "rule": f"{path.decided.short}: {path.decided.said}" if path else "",
        "path": draw(path) if path else "",
    }


def arrows_of(matrix: list[Cell], paths: Mapping[str, Path], findings: Mapping[str, Mapping[str, Any]]) -> list[Arrow]:
    """What the API declares decides between solid and dashed; the last proof, whether it is verified."""
    groups: dict[tuple[str, str, bool], list[Cell]] = {}
    for cell in matrix:
        if cell.target in UNDRAWN or cell.name not in paths:
            continue
        groups.setdefault((cell.source, cell.target, paths[cell.name].is_open), []).append(cell)
    arrows = []
    for (source, target, is_open), cells in groups.items():
        verdicts = [findings.get(cell.name, {}).get("verdict", "not verified") for cell in cells]
        wrong = "WRONG" in verdicts or any(
            (cell.expect == "open") != is_open for cell in cells if cell.expect != "closed"
        )
        verified = all(verdict == "ok" for verdict in verdicts)
        arrows.append(Arrow(source, target, is_open, tuple(cells), wrong, verified))
    return arrows
