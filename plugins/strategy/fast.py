# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""What makes a strategy fast, or leaves it alone and says why. docs/fast.md tells the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from ansible.plugins.strategy import StrategyBase
from ansible.utils.display import Display

# The suite has passed with these pairs of ansible-core and Mitogen. docs/fast.md says how one is added.
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
    from ansible_mitogen.strategy import StrategyMixin

    class StrategyModule(StrategyMixin, StrategyBase):  # type: ignore[misc,no-redef]
        """Before the stock strategy, this runs its tasks by Mitogen."""
