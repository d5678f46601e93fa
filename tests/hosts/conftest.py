"""Promises about hosts, proven on an environment that is there already: see CONTRIBUTING.md.

ONEBOX_HOSTS_BUILD names its build folder, ONEBOX_HOSTS_LAB its lab, and `lab env` the API.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .living import Living

collect_ignore_glob = [] if os.environ.get("ONEBOX_HOSTS_BUILD") else ["test_*.py"]


@pytest.fixture(scope="session")
def site() -> Living:
    return Living(Path(os.environ["ONEBOX_HOSTS_BUILD"]), os.environ["ONEBOX_HOSTS_LAB"])
