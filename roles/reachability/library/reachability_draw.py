#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Draw what the API declares, and what the last proof says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachability import asked
from ansible.module_utils.reachability.drawing import arrows, graph
from ansible.module_utils.reachability.model import Cell
from ansible.module_utils.reachability.paths import read

DOCUMENTATION = r"""
module: reachability_draw
short_description: Draw what the API declares
description:
  - Lays the VPC, its zones, subnets, machines and who reaches whom out with Graphviz, which must be installed, and
    returns the drawing and what a page shows beside it. Writes nothing.
options:
  api:
    description: The result of M(reachability_declared).
    type: dict
    required: true
  environment:
    description: The environment to draw.
    type: str
    required: true
  matrix:
    description: The rows that are drawn as arrows.
    type: list
    elements: dict
    required: true
  admin_cidrs:
    description: Where C(operator) may come from.
    type: list
    elements: str
    required: true
  report_directory:
    description: Where M(reachability_judge) left its report, if it did.
    type: path
    required: true
author: Onebox
"""

RETURN = r"""
svg: {description: "The drawing, without a style.", returned: always, type: str}
arrows: {description: "Of each arrow by its id, the rows it stands for.", returned: always, type: dict}
rows: {description: "All rows, in the order of the matrix.", returned: always, type: list}
proof: {description: "When the last proof was, and what it said.", returned: always, type: dict}
"""

SPEC = {
    "api": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "matrix": {"type": "list", "elements": "dict", "required": True},
    "admin_cidrs": {"type": "list", "elements": "str", "required": True},
    "report_directory": {"type": "path", "required": True},
}


def last_proof(folder: Path) -> dict[str, Any]:
    """The report of the last verify, or an empty one."""
    try:
        found: dict[str, Any] = json.loads((folder / "reachability.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"findings": [], "suspects": [], "green": False, "when": ""}
    return found


def details_of(api: dict[str, Any], admin_cidrs: list[str]) -> dict[str, Any]:
    machines = {
        one["instance_id"]: {"id": one["instance_id"], "type": one["instance_type"]}
        for one in api["instances"] + api["others"]
    }
    zones = {one["subnet_id"]: one["availability_zone"] for one in api["subnets"]}
    return {"machines": machines, "zones": zones, "admin_cidrs": admin_cidrs}


def layout(module: AnsibleModule, text: str) -> str:
    program = module.get_bin_path("dot")
    if not program:
        module.fail_json(
            msg="There is no program dot on this machine, and without Graphviz nobody lays the picture out. "
            "Install it: script/bootstrap, or apt-get install graphviz."
        )
    _, svg, _ = module.run_command([program, "-Tsvg"], data=text, check_rc=True)
    return str(svg[svg.index("<svg") :])


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params: dict[str, Any] = module.params
    api = {kind: found for kind, found in params["api"].items() if isinstance(found, list)}
    account = read.read(api, params["environment"])
    proof = last_proof(Path(params["report_directory"]))
    findings = {one["question"]: one for one in proof["findings"] if one["topic"] == "packets"}

    matrix = [cell for cell in map(Cell.parse, params["matrix"]) if asked.exists(cell, account)]
    operator = asked.operator_address("", params["admin_cidrs"])
    paths = asked.declared_paths(matrix, account, operator, {})
    drawn = arrows.arrows_of(matrix, paths, findings)
    vpc = next(one for one in account.vpcs if one.environment == params["environment"])
    rows = {cell.name: arrows.row_of(cell, paths.get(cell.name), findings.get(cell.name)) for cell in matrix}
    module.exit_json(
        changed=False,
        svg=layout(module, graph.Graph(account, vpc, details_of(api, params["admin_cidrs"]), drawn).text()),
        arrows={f"arrow-{one.id}": [cell.name for cell in one.cells] for one in drawn},
        rows=list(rows.values()),
        proof={
            "green": proof["green"],
            "when": proof.get("when", ""),
            "answers": len(proof["findings"]),
            "suspects": [one["name"] for one in proof["suspects"]][:2],
        },
    )


if __name__ == "__main__":
    main()
