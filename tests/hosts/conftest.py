"""Promises about hosts, proven on an environment that is there already: see CONTRIBUTING.md.

ONEBOX_HOSTS_BUILD names its build folder, ONEBOX_HOSTS_LAB its lab, and `lab env` the API.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .living import Living
from .web import Say, Web, version

collect_ignore_glob = [] if os.environ.get("ONEBOX_HOSTS_BUILD") else ["test_*.py"]


@pytest.fixture(scope="session")
def site() -> Living:
    return Living(Path(os.environ["ONEBOX_HOSTS_BUILD"]), os.environ["ONEBOX_HOSTS_LAB"])


@pytest.fixture(scope="session")
def web(site: Living, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The application is one that can be told to fail; sidedish is back afterwards."""
    made = Web(site)
    made.configure("nginx_proxy", **made.settings)
    made.root("echo still here > /srv/static/page.txt")
    made.deploy(version(tmp_path_factory.mktemp("probe"), "one"))
    yield made
    made.root("rm -r /srv/static")
    made.configure("nginx_proxy")
    site.play("deploy").check()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def speak(text: object) -> None:
        with capsys.disabled():
            print(f"\n    {text}", end="", flush=True)  # noqa: T201 - the figures of this run, for its reader

    return speak
