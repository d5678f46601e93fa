# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Units of systemd: how they are, what they have not read, and what it takes to have them as they should be."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

UNIT = {
    "unit": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["started", "stopped", "read"], "default": "started"},
    "enabled": {"type": "bool"},
    "start_files": {"type": "list", "elements": "path", "default": []},
    "reload_files": {"type": "list", "elements": "path", "default": []},
    "later": {"type": "bool", "default": False},
}
# When a unit was started: a timer has no process, so the first of its own that is there counts.
STARTED = ("ExecMainStartTimestamp", "ActiveEnterTimestamp")
RELOADED = ("StateChangeTimestamp",)
ASKED = ("ActiveState", "UnitFileState", "NeedDaemonReload", *STARTED, *RELOADED)
# What systemctl(1) calls a unit that runs, or will in a moment.
RUNS = ("active", "activating", "reloading", "refreshing")
# A unit that its makers enable, or nobody can, is left so.
FIXED = ("static", "generated", "indirect", "alias", "transient")


def settle(module: AnsibleModule, written: list[str]) -> dict[str, list[str]]:
    """Have the units as they should be after these files were written; what each took, or would take."""
    units = module.params["units"]
    if not units:
        return {}
    shown = look(module, units)
    stale = any(one["NeedDaemonReload"] == "yes" for one in shown) or any("/systemd/" in path for path in written)
    if stale and not module.check_mode:
        systemctl(module, "daemon-reload")
        shown = look(module, units)
    took = {}
    for unit, one in zip(units, shown, strict=True):
        if verbs := needed(unit, one, written):
            took[unit["unit"]] = verbs
        for verb in () if unit["later"] or module.check_mode else verbs:
            systemctl(module, verb, unit["unit"])
    return took


def look(module: AnsibleModule, units: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What systemd says of each unit, also of one that is not there."""
    names = [unit["unit"] for unit in units]
    said = systemctl(module, "show", *names, "--timestamp=us+utc", f"--property={','.join(ASKED)}")
    return [
        dict.fromkeys(ASKED, "") | dict(line.split("=", 1) for line in block.splitlines())
        for block in said.strip("\n").split("\n\n")
    ]


def systemctl(module: AnsibleModule, *words: str) -> str:
    """Run it, and fail with what it says, and the unit itself."""
    status, said, complained = module.run_command(["systemctl", *words])
    if status != 0:
        _, log, _ = module.run_command(["journalctl", "--unit", words[-1], "--lines=10", "--output=cat"])
        module.fail_json(f"systemctl {' '.join(words)} failed: {(said + complained).strip()}\n{log}", rc=status)
    return str(said)


def needed(unit: dict[str, Any], shown: dict[str, str], written: list[str]) -> list[str]:
    """The verbs of systemctl that make the unit what it should be."""
    verbs = []
    if unit["enabled"] is not None and shown["UnitFileState"] not in FIXED:
        enabled = shown["UnitFileState"] == "enabled"
        verbs += [] if unit["enabled"] == enabled else ["enable" if unit["enabled"] else "disable"]
    runs = shown["ActiveState"] in RUNS
    restarts = is_unread(unit["start_files"], stamp(shown, STARTED), written)
    if unit["state"] == "stopped":
        verbs += ["stop"] if runs else []
    elif unit["state"] == "read":
        verbs += ["restart"] if restarts else []
    elif not runs or restarts:
        verbs.append("restart" if runs else "start")
    elif is_unread(unit["reload_files"], stamp(shown, RELOADED), written):
        verbs.append("reload")
    return verbs


def stamp(shown: dict[str, str], names: tuple[str, ...]) -> str:
    """The first of these times that systemd noted."""
    return next((shown[name] for name in names if shown[name]), "")


def is_unread(files: list[str], since: str, written: list[str]) -> bool:
    """Whether one of the files was changed after that time."""
    return any(path in written or is_newer(path, since) for path in files)


def is_newer(path: str, since: str) -> bool:
    """Whether the file was changed after that time, as systemd prints it; nothing printed is never."""
    if not os.path.lexists(path):
        return False
    words = since.split()
    if not words:
        return True
    time = datetime.strptime(f"{words[1]} {words[2]} +0000", "%Y-%m-%d %H:%M:%S.%f %z")
    return os.lstat(path).st_ctime > time.timestamp()
