#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask everything that one vantage point can answer, in one call and at the same time."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachability import database, evidence, flows, login, probe

DOCUMENTATION = r"""
module: reachability_observe
short_description: Ask everything that one vantage point can answer
description:
  - Asks all rows of the matrix that this vantage point asks, all at once, and tells
    C(open), C(refused), C(filtered) (no answer), C(unreachable) and C(unresolved) apart.
  - Fetches pages, collects evidence of the machine, and tries the two ways of logging in.
  - Changes nothing.
options:
  vantage:
    description: Who asks. C(internet) is the operator's machine, which never asks a private address.
    type: str
    required: true
  matrix:
    description: Rows with C(from), C(to), C(port), C(protocol), C(expect) and C(reason).
    type: list
    elements: dict
    required: true
  addresses:
    description: The address of each target as seen from here; empty where it has none.
    type: dict
    required: true
  pages:
    description: URLs to fetch, by name.
    type: dict
    default: {}
  units:
    description: The systemd units whose state is evidence.
    type: list
    elements: str
    default: []
  certificate_names:
    description: The names for which the machine shows a certificate on port 443.
    type: list
    elements: str
    default: []
  evidence:
    description: Whether to collect evidence of the machine itself.
    type: bool
    default: false
  forwards:
    description: Whether this machine forwards for others, so that what it has forwarded is evidence.
    type: bool
    default: false
  ssh_config:
    description: The file with the hosts C(public) and C(private), to try both ways through the bastion.
    type: path
    default: ""
  database:
    description: Where the application logs in to its database. Not asked where it is not given.
    type: dict
    suboptions:
      host: {description: Its address., type: str, required: true}
      port: {description: Its port., type: int, default: 3306}
      user: {description: The application's account., type: str, required: true}
      password: {description: Its password., type: str, required: true}
      name: {description: The database it uses., type: str, required: true}
  seconds:
    description: How long one question may wait for its answer.
    type: float
    default: 3
author: Onebox
"""

RETURN = r"""
cells:
  description: The answer to each row asked here.
  returned: always
  type: dict
asked_at:
  description: When it began, by the clock of this vantage point, in seconds since 1970.
  returned: always
  type: float
resolved:
  description: The address behind each target that was asked.
  returned: always
  type: dict
pages:
  description: Status and visible text of each page.
  returned: always
  type: dict
logins:
  description: Outcome of each way to log in.
  returned: always
  type: dict
database:
  description: C(ok), or why the application's account cannot log in; empty where it was not asked.
  returned: always
  type: str
evidence:
  description: Forwarding, filters, listeners, units, disks, names, and the packed state of the machine.
  returned: always
  type: dict
"""

SPEC = {
    "vantage": {"type": "str", "required": True},
    "matrix": {"type": "list", "elements": "dict", "required": True},
    "addresses": {"type": "dict", "required": True},
    "pages": {"type": "dict", "default": {}},
    "units": {"type": "list", "elements": "str", "default": []},
    "evidence": {"type": "bool", "default": False},
    "certificate_names": {"type": "list", "elements": "str", "default": []},
    "forwards": {"type": "bool", "default": False},
    "ssh_config": {"type": "path", "default": ""},
    "database": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 3306},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "name": {"type": "str", "required": True},
        },
    },
    "seconds": {"type": "float", "default": 3},
}


def ask_pages(pages: dict[str, str], seconds: float) -> dict[str, Any]:
    jobs = {name: partial(probe.fetch_patiently, url, seconds) for name, url in pages.items()}
    late = {"status": 0, "text": "", "error": "no answer in time"}
    answers: dict[str, Any] = probe.together(jobs, 2 * seconds + probe.PAUSE_SECONDS + 1, late)
    return answers


def ask_logins(config: str, seconds: float) -> dict[str, Any]:
    if not config:
        return {}
    ways = {
        "public": partial(login.direct, config, "public", seconds),
        "jump": partial(login.direct, config, "private", seconds),
        "agent": partial(login.forwarded, config, "public", "private", seconds),
    }
    jobs = {way: partial(login.patiently, attempt) for way, attempt in ways.items()}
    late = {"ok": False, "peer": "", "error": "no answer in time"}
    answers: dict[str, Any] = probe.together(jobs, 11 * seconds, late)
    # Where that file leads to, to be compared with where the API says that the machine is.
    answers["public"] = {**answers["public"], "host": login.settings(config, "public").get("hostname", "")}
    return answers


def observe(params: dict[str, Any]) -> dict[str, Any]:
    """All answers; the three kinds of question wait at the same time."""
    seconds, began = params["seconds"], time.time()
    cells = probe.cells_from(params["vantage"], params["matrix"])
    jobs = {
        "cells": partial(probe.ask_all, params["vantage"], cells, params["addresses"], seconds),
        "pages": partial(ask_pages, params["pages"], 2 * seconds),
        "logins": partial(ask_logins, params["ssh_config"], seconds),
    }
    if params["database"]:
        jobs["database"] = partial(database.attempt, params["database"], 2 * seconds)
    if params["evidence"]:
        hosts = [name for name in params["addresses"].values() if name and not name[0].isdigit()]
        jobs["evidence"] = partial(evidence.collect, params["units"], hosts, params["certificate_names"])
    answers = {"evidence": {}, "database": "", **probe.together(jobs, 12 * seconds, {})}
    if params["forwards"]:
        # Last of all: by now the others have asked, too.
        answers["evidence"]["flows"] = flows.flows()
    asked = answers.pop("cells")
    return {**answers, "asked_at": began, "cells": asked.get("answers", {}), "resolved": asked.get("resolved", {})}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        answers = observe(module.params)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **answers)


if __name__ == "__main__":
    main()
