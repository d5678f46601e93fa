# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Renders the templates of write_files where Ansible runs, before the module goes to the machine."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader


class ActionModule(ActionBase):
    """Ansible looks for this name."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module with what the templates give."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
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
        renderer = lookup_loader.get("rendered", loader=self._loader, templar=self._templar)
        (content,) = renderer.run([file["template"]], variables, vars=file.get("vars", {}))
        rest = {key: value for key, value in file.items() if key not in ("template", "vars")}
        return rest | {"content": content}
