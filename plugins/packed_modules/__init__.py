# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Ansible packs each module anew in every run, and sends it anew for every step, where Python compiles it.

Here a module is packed once, and sent to a machine and compiled there once.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase, LowLevelExecuteCommandResult
from kept_folder import kept_folder

COLLECTION = "ansible_collections/*/*/MANIFEST.json"
ON_THE_MACHINE = Path(__file__).with_name("on_the_machine.py").read_bytes()

# The end of what Ansible sends (ansible.executor.module_common): a call with the packed module as its last argument.
CALL = b'\nif __name__ == "__main__":\n    _ansiballz_main(\n'
PACKED, END = b"\nzip_data='", b",\n)\n"


def keep_packed(core: str) -> None:
    """Let this run find the modules that another has packed of the same files, and leave its own.

    Without this they are in the folder of the run, and end with it.
    """
    setting = constants.config.get_config_value
    folders = [Path(one) for name in ("DEFAULT_MODULE_PATH", "DEFAULT_MODULE_UTILS_PATH") for one in setting(name)]
    for roles in setting("DEFAULT_ROLES_PATH"):
        folders += [*Path(roles).glob("*/library"), *Path(roles).glob("*/module_utils")]
    files = {file for folder in folders for file in folder.rglob("*.py")}
    # A collection that is installed again gets another one of these.
    files |= {file for folder in [*setting("COLLECTIONS_PATHS"), *sys.path] for file in Path(folder).glob(COLLECTION)}
    key = hashlib.sha256(f"{sys.version} {core}".encode())
    for file in sorted(files):
        key.update(f"{file} {file.stat().st_mtime_ns} {file.stat().st_size}\n".encode())
    kept = kept_folder("onebox_packs") / key.hexdigest()[:32]
    kept.mkdir(exist_ok=True)
    os.utime(kept)
    packs = Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")  # type: ignore[attr-defined] # made at import
    if not packs.exists():
        packs.symlink_to(kept)


def send_once(run: Callable[..., LowLevelExecuteCommandResult]) -> None:
    """Let a machine keep what it was sent: the next step only names it, and sends it if it is not there.

    What is sent goes by way of `run`, which takes the same as what it stands for, and returns the same.
    """
    execute = ActionBase._low_level_execute_command

    def execute_kept(
        self: ActionBase, cmd: str, sudoable: bool = True, in_data: bytes | None = None, *rest: Any, **named: Any
    ) -> LowLevelExecuteCommandResult:
        before, call, arguments = (in_data or b"").rpartition(CALL)
        arguments, _, packed = arguments.rpartition(PACKED)
        if not (call and arguments and packed.endswith(b"'" + END)):
            return execute(self, cmd, sudoable, in_data, *rest, **named)
        packed = packed.removesuffix(b"'" + END)
        name = hashlib.sha256(packed).hexdigest()
        start = b"".join([before, ON_THE_MACHINE, call, arguments, b"\nzip_data=kept_module('", name.encode(), b"', '"])
        result = run(self, cmd, sudoable, start + b"')" + END, *rest, **named)
        if result["rc"] == 1 and f"not kept: {name}" in result["stderr"]:
            result = run(self, cmd, sudoable, start + packed + b"')" + END, *rest, **named)
        return result

    ActionBase._low_level_execute_command = execute_kept  # type: ignore[method-assign] # that is how all modules come by
