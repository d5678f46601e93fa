# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Ansible compiles the text of a template anew for each step and host, and each time that a variable is read.

Here a text is compiled once, and another run finds it. What it says is worked out each time, as ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any

from ansible._internal._datatag._tags import Origin, VaultedValue
from ansible._internal._templating._jinja_bits import (
    _TEMPLATE_OVERRIDE_FIELD_NAMES,
    AnsibleEnvironment,
    _TemplateCompileContext,
)
from ansible._internal._templating._jinja_common import _TemplateConfig
from ansible.parsing.vault import is_encrypted_file
from jinja2.bccache import FileSystemBytecodeCache
from jinja2.environment import TemplateExpression
from kept_folder import kept_folder


class CompiledTemplates:
    """What was compiled, by all that it depends on: the text, how it is marked and trimmed, what a backslash means."""

    def __init__(self) -> None:
        versions = version("ansible-core"), version("jinja2")  # the cache looks at that of Python itself
        self.of_all = versions, _TemplateConfig.allow_embedded_templates, _TemplateConfig.jinja_extensions
        self.files = FileSystemBytecodeCache(str(kept_folder("onebox_templates")))
        self.of_this_run: dict[str, CodeType] = {}

    def get(
        self, environment: AnsibleEnvironment, kind: str, text: str, compile_it: Callable[[], CodeType]
    ) -> CodeType:
        """The code of a text, from this run, from another, or newly compiled."""
        context = _TemplateCompileContext.current(optional=True)
        marks = [getattr(environment, name) for name in _TEMPLATE_OVERRIDE_FIELD_NAMES]
        name = repr((self.of_all, kind, marks, context and context.escape_backslashes, str(text)))
        if name not in self.of_this_run:
            bucket = self.files.get_bucket(environment, name, None, "")
            if bucket.code is None:
                bucket.code = compile_it()
                if stands_in_clear(text):
                    with contextlib.suppress(OSError):  # a full disk is no reason to fail
                        self.files.set_bucket(bucket)
            self.of_this_run[name] = bucket.code
        return self.of_this_run[name]


def stands_in_clear(text: str) -> bool:
    """Whether it is from a file, and not from a vault. Else a secret would be kept where nobody expects it."""
    origin = Origin.get_tag(text)
    if not origin or not origin.path or VaultedValue.is_tagged_on(text):
        return False
    with contextlib.suppress(OSError), Path(origin.path).open("rb") as file:
        return not is_encrypted_file(file)
    return False


def compile_once() -> None:
    """Let all templates of this process, of those it forks, and of other runs share what was compiled."""
    compiled = CompiledTemplates()
    compile_text, compile_expression = AnsibleEnvironment.compile, AnsibleEnvironment.compile_expression
    newest: list[CodeType] = []

    def get_text(self: AnsibleEnvironment, source: Any, *rest: Any, **named: Any) -> Any:
        if rest or named:
            return compile_text(self, source, *rest, **named)
        if isinstance(source, str):
            return compiled.get(self, "text", source, lambda: compile_text(self, source))
        newest[:] = [compile_text(self, source)]  # an expression, of which only the nodes are left
        return newest[0]

    def get_expression(self: AnsibleEnvironment, source: str, undefined_to_none: bool = True) -> TemplateExpression:
        def compile_it() -> CodeType:
            compile_expression(self, source, undefined_to_none)
            return newest.pop()

        code = compiled.get(self, "expression", source, compile_it)
        template = self.template_class.from_code(self, code, self.make_globals(None))
        return TemplateExpression(template, undefined_to_none)

    AnsibleEnvironment.compile = get_text  # type: ignore[assignment,method-assign] # that is how all templates come by
    AnsibleEnvironment.compile_expression = get_expression  # type: ignore[method-assign] # as above
