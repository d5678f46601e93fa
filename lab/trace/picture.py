"""A trace as text for people: one aligned line for each decision, the verdict first and last."""

from __future__ import annotations

from typing import Any

LEGS = ("request", "reply")


def draw(answer: dict[str, Any]) -> str:
    """Return the picture of `Trace.as_json()`."""
    lines = [f"{answer['question']}: {_verdict(answer)}"]
    steps = answer["steps"]
    width = max((len(step["component"]) for step in steps), default=0)
    for leg in LEGS:
        before = ""
        for step in (one for one in steps if one["leg"] == leg):
            if not before:
                lines.append(f"\n{leg}")
            if step["packet"] != before:
                before = step["packet"]
                lines.append(f"    {before}")
            mark = "ok" if step["allowed"] else "no"
            lines.append(f"  {mark}  {step['component']:<{width}}  {step['decision']}")
    if not answer["reachable"]:
        lines.append(f"\n{answer['code']}: {answer['blocked_by']}, {answer['reason']}")
    lines += [f"\nassumed: {one}" for one in answer["assumptions"]]
    return "\n".join(lines)


def _verdict(answer: dict[str, Any]) -> str:
    if not answer["reachable"]:
        return "not reachable"
    return f"reachable, seen as {answer['seen_as']}" if answer["seen_as"] else "reachable"
