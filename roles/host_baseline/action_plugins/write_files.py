# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Renders the templates of write_files where Ansible runs, before the module goes to the machine.

The lookup template would do. It copies all variables first, each time: a quarter of what Ansible computed in a run
that changes nothing (measured).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template


class ActionModule(ActionBase):
    """Ansible looks for this name."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module with what the templates give."""
        super().run(tmp, task_vars)
        variables = {"ansible_managed": "Ansible managed"} | (task_vars or {})  # as in the action template
        files = [self.rendered(file, variables) for file in self._task.args.get("files") or []]
        result: dict[str, Any] = self._execute_module(
            module_args=self._task.args | {"files": files}, task_vars=variables
        )
        return result

    def rendered(self, file: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """The file with its content, which its template gives if it names one."""
        if "template" not in file:
            return file
        if "content" in file:
            raise AnsibleActionFail(f"{file['dest']} has both content and template, and only one can be in it.")
        source = self._find_needle("templates", file["template"])  # type: ignore[no-untyped-call]  # Published without.
        templar = self._templar.copy_with_new_env(
            searchpath=[str(Path(source).parent)], available_variables=variables | file.get("vars", {})
        )
        text = trust_as_template(self._loader.get_text_file_contents(source))
        content = templar.template(text, escape_backslashes=False, overrides={"trim_blocks": True})
        rest = {key: value for key, value in file.items() if key not in ("template", "vars")}
        return rest | {"content": str(content)}
