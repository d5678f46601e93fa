# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""What makes a strategy fast, or leaves it alone and says why. docs/fast.md tells the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from types import CodeType

from ansible.plugins.strategy import StrategyBase
from ansible.utils.display import Display

# tests/unit/test_fast.py has passed with these pairs of ansible-core and Mitogen. docs/fast.md says how one is added.
PROVEN = {("2.21", "0.3.54")}


def unusable() -> str:
    """Say why Mitogen cannot run the tasks, and what to do; nothing where it can."""
    if importlib.util.find_spec("ansible_mitogen") is None:
        return "The extra fast is not installed, so this run takes its usual time. Install it: uv sync --extra fast"
    core = ".".join(importlib.metadata.version("ansible-core").split(".")[:2])
    mitogen = importlib.metadata.version("mitogen")
    if (core, mitogen) not in PROVEN:
        return (
            f"Mitogen {mitogen} was not proven with ansible-core {core}, so this run takes its usual time. "
            "Take the versions of uv.lock: uv sync --extra fast"
        )
    return ""


if reason := unusable():
    Display().warning(reason)

    class StrategyModule(StrategyBase):  # type: ignore[misc]
        """Adds nothing: the strategy stays what Ansible ships."""
else:
    import ansible_mitogen.module_finder as finder
    from ansible_mitogen.strategy import StrategyMixin
    from mitogen.imports import codeobj_imports

    walk_imports = finder.walk_imports

    def walk_relative_imports_too(code: CodeType, prefix: str | None = None) -> Iterator[str]:
        """Mitogen 0.3.54 does not see `from .rules import x` in module_utils, and the module would miss it."""
        yield from walk_imports(code, prefix)
        names = code.co_filename.split(".")  # Mitogen compiles under the name of the module
        for level, name, members in codeobj_imports(code):
            # A module stands beside what it imports, a package above it; what is not there is left out.
            for package in (names[:-level], names[: len(names) - level + 1]) if level else ():
                found = [*package, *name.split(".")] if name else package
                whole = [".".join(found[:length]) for length in range(1, len(found) + 1)]
                whole += [f"{whole[-1]}.{member}" for member in members]
                yield from (one for one in whole if one.startswith(f"{prefix}."))

    finder.walk_imports = walk_relative_imports_too

    class StrategyModule(StrategyMixin, StrategyBase):  # type: ignore[misc,no-redef]
        """Before the stock strategy, this runs its tasks by Mitogen."""
