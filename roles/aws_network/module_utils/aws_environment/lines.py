# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Name what was found in lines for people."""

from __future__ import annotations

from typing import Any

SINGULAR = {"addresses": "address"}
KEPT = ("snapshots", "database_snapshots")


def line(kind: str, item: dict[str, Any]) -> str:
    """Name a thing for people: what it is, its id, its name."""
    return f"{SINGULAR.get(kind, kind[:-1].replace('_', ' '))} {item['id']} {item['name']}".rstrip()


def kept(found: dict[str, Any]) -> list[str]:
    """List what outlives an environment on purpose, with what it is billed by."""
    return [f"{line(kind, item)}, {item['size_gb']} GiB" for kind in KEPT for item in found.get(kind, [])]


def lines(found: dict[str, Any], *, ours: bool) -> list[str]:
    """List what is ours or not, leaving out what comes and goes with something else."""
    machines = {machine["id"] for machine in found["instances"]}
    return [
        line(kind, item)
        for kind, items in found.items()
        if isinstance(items, list) and kind not in KEPT
        for item in items
        if isinstance(item, dict)
        and item["ours"] is ours
        and not item.get("main")
        and item.get("group_name") != "default"
        and not item.get("managed")
        and item.get("instance_id", "") not in (machines if kind == "interfaces" else ())
        and (ours or kind not in ("vpcs", "databases", "load_balancers"))
    ]
