#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare what was observed with what is intended, and name the cause of a difference."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachability import changes, judge, report

DOCUMENTATION = r"""
module: reachability_judge
short_description: Compare what was observed with what is intended
description:
  - Turns the answers of M(reachability_observe) and of the API into findings, a table, and suspects.
  - Writes the same as JSON and JUnit XML. The report is a record of the question, no part of the
    environment, so writing it is not reported as a change; nothing is written in check mode.
options:
  environment:
    description: Name of the environment, for titles and repair commands.
    type: str
    required: true
  matrix:
    description: The rows that were asked.
    type: list
    elements: dict
    required: true
  observations:
    description: The result of M(reachability_observe) of each vantage point.
    type: dict
    required: true
  machines:
    description: Of each machine's tier, C(services), C(forwarded_cidrs), C(address) and C(subnet).
    type: dict
    required: true
  api:
    description: The result of M(reachability_declared).
    type: dict
    required: true
  admin_cidrs:
    description: Where C(operator) in the matrix may come from.
    type: list
    elements: str
    required: true
  translator:
    description: Which tier translates for which on the way out.
    type: dict
    required: true
  page:
    description: Patterns C(row) and C(client) that the page must show; empty ones are not asked.
    type: dict
    required: true
  s3_endpoint:
    description: Whether S3 should be reached by an endpoint of the VPC.
    type: bool
    required: true
  report_directory:
    description: Where C(reachability.json) and C(reachability.xml) are written.
    type: path
    required: true
author: Onebox
"""

RETURN = r"""
green:
  description: Whether every answer is as intended.
  returned: always
  type: bool
table:
  description: All questions with both answers, aligned.
  returned: always
  type: str
advice:
  description: What is wrong, what to look at first, and the command that repairs it.
  returned: always
  type: str
"""

SPEC = {
    "environment": {"type": "str", "required": True},
    "matrix": {"type": "list", "elements": "dict", "required": True},
    "observations": {"type": "dict", "required": True},
    "machines": {"type": "dict", "required": True},
    "api": {"type": "dict", "required": True},
    "admin_cidrs": {"type": "list", "elements": "str", "required": True},
    "translator": {"type": "dict", "required": True},
    "page": {"type": "dict", "required": True},
    "s3_endpoint": {"type": "bool", "required": True},
    "report_directory": {"type": "path", "required": True},
}


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params: dict[str, Any] = module.params
    environment, folder = params["environment"], Path(params["report_directory"])
    judged = judge.judge(params, changes.load(folder))
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    files = {
        "reachability.json": report.as_json(environment, judged.findings, judged.clues, when),
        "reachability.xml": report.as_junit(environment, judged.findings),
    }
    if judged.is_green:
        files[changes.FILE] = json.dumps({"when": when, "state": judged.state})
    if not module.check_mode:
        write(folder, files)
    module.exit_json(
        changed=False,
        green=judged.is_green,
        table=report.table(judged.findings),
        advice=report.advice(judged.findings, judged.clues),
    )


if __name__ == "__main__":
    main()
