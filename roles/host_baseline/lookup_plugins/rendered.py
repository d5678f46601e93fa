# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""What a template says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.lookup import LookupBase
from ansible.template import Templar, trust_as_template

DOCUMENTATION = r"""
name: rendered
short_description: Render a template
description:
  - The lookup P(ansible.builtin.template#lookup) copies all variables first, each time. That was a quarter of what
    Ansible computed in a run that changes nothing (measured).
version_added: "0.1.0"
author: the Onebox authors
options:
  _terms:
    description: Templates, where a role looks for them.
    required: true
  vars:
    description: Variables for the templates, besides those of the task.
    type: dict
    default: {}
"""

RETURN = r"""
_raw:
  description: What they say.
  type: list
  elements: str
"""


class LookupModule(LookupBase):
    """Ansible looks for this name."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Render each of them."""
        # As in the action template, which has more to say of the file.
        known = {"ansible_managed": "Ansible managed"} | (variables or {}) | kwargs.get("vars", {})
        return [self.render(term, known) for term in terms]

    def render(self, name: str, variables: dict[str, Any]) -> str:
        """Render one, as write_files does."""
        loader, templar = cast(DataLoader, self._loader), cast(Templar, self._templar)
        source = self.find_file_in_search_path(variables, "templates", name)  # type: ignore[no-untyped-call] # Published without.
        if not source:
            raise AnsibleLookupError(f"There is no template {name} here.")
        text = trust_as_template(loader.get_text_file_contents(source))
        own = templar.copy_with_new_env(searchpath=[str(Path(source).parent)], available_variables=variables)
        return str(own.template(text, escape_backslashes=False, overrides={"trim_blocks": True}))
