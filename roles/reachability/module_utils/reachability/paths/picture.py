"""A path as text for people: the verdict, one aligned line for each decision, and the first blocker."""

from __future__ import annotations

from .packet import Path, Step


def verdict(path: Path) -> str:
    if path.code:
        return "not reachable"
    return f"reachable, seen as {path.seen_as}" if path.seen_as else "reachable"


def draw(path: Path) -> str:
    """All of it."""
    lines = [f"{path.question}: {verdict(path)}"]
    width = max((len(one.component) for one in path.steps), default=0)
    for title, steps in (
        ("there", [one for one in path.steps if not one.is_reply]),
        ("and back", [one for one in path.steps if one.is_reply]),
    ):
        lines += ["", title] if steps else []
        lines += leg(steps, width)
    if path.code:
        last = path.steps[-1]
        lines += ["", f"{path.code}: {last.component}, {last.said}"]
    lines += [f"\nassumed: {one}" for one in path.assumptions]
    return "\n".join(lines)


def leg(steps: list[Step], width: int) -> list[str]:
    lines, before = [], ""
    for number, step in enumerate(steps, start=1):
        if step.packet != before:
            lines.append(f"      {step.packet}")
            before = step.packet
        lines.append(f"  {number:>2}  {'no' if step.code else 'ok'}  {step.component:<{width}}  {step.said}")
    return lines
