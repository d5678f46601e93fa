# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""The strategy free, without a process for each step (docs/fast.md)."""

from __future__ import annotations

from ansible.plugins.loader import strategy_loader
from ansible.plugins.strategy.free import StrategyModule as Stock

DOCUMENTATION = r"""
name: fast_free
short_description: C(free) without a process for each step
description:
  - With a release of ansible-core that it was not proven with, it is the stock strategy.
version_added: "0.1.0"
author: the Onebox authors
"""


class StrategyModule(strategy_loader.get("fast", class_only=True), Stock):  # type: ignore[misc]
    """Ansible looks for this name."""
