"""The living lab as text: VPCs, their subnets, and the machines in them."""

from __future__ import annotations

from typing import Any


def draw(state: dict[str, Any]) -> str:
    """Return a picture of the status for a terminal."""
    lines = [f"lab {state['name']} at {state['endpoint']}"]
    if state["failure"]:
        lines += ["  ! the last change could not be applied:", f"    {state['failure'].splitlines()[-1]}"]
    shown = [vpc for vpc in state["vpcs"] if vpc["name"] or _machines(state, "vpc", vpc["id"])]
    for vpc in shown:
        gateway = vpc["gateway"] or "no internet gateway"
        lines.append(f"\n{vpc['name'] or 'default VPC'}  {vpc['cidr']}  {vpc['id']}  {gateway}")
        for subnet in sorted(vpc["subnets"], key=lambda one: str(one["cidr"])):
            lines.append(f"  {subnet['cidr']:<18} {subnet['id']}")
            lines += [f"    {_machine(one)}" for one in _machines(state, "subnet", subnet["id"])]
    if not shown:
        lines.append("no VPC yet: ansible-playbook playbooks/site.yml --limit playground")
    return "\n".join(lines)


def _machines(state: dict[str, Any], key: str, value: str) -> list[dict[str, Any]]:
    return [one for one in state["instances"] if one[key] == value]


def _machine(one: dict[str, Any]) -> str:
    power = "" if one["power"] == (one["state"] == "running") else " (changing)"
    notes = "  forwards (source/dest check off)" if one["forwards"] else ""
    state = one["state"]
    if database := one["database"]:
        state = database["status"]
        notes = f"  {database['endpoint']}  (MySQL {database['runs']} stands for {database['asked']})"
        notes += f"\n      ! {database['note']}" if database["note"] else ""
    address = f"{one['private']:<14} {one['public'] or 'no public address':<18}"
    return f"{one['name'] or one['id']:<30} {address} {state}{power}  {one['id']}{notes}"
