"""The end-to-end run: a lab of its own, steps that build on each other, and nothing left at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .operator import Operator

BROKEN: dict[str, str] = {}


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember the first failed step: what follows it would only repeat its error."""
    if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        BROKEN.setdefault(str(item.path), item.name)


@pytest.fixture(autouse=True)
def _after_a_failed_step(request: pytest.FixtureRequest) -> None:
    failed = BROKEN.get(str(request.node.path))
    if failed:
        pytest.skip(f"the step {failed} failed before")


@pytest.fixture(scope="session")
def operator() -> Iterator[Operator]:
    """Somebody at the keyboard, whose lab is gone when the tests are."""
    if os.geteuid() != 0:
        pytest.skip("a lab needs root: sudo --preserve-env=PATH script/test e2e")
    person = Operator()
    yield person
    person.lab("down", check=False)
    person.forget()
