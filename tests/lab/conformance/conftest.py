"""One lab and one site for all conformance tests."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.lab.conformance.site import LONG, NAME, PORT, Site, pace
from tests.lab.living import LivingLab, lab, living_lab


@pytest.fixture(scope="package")
def living() -> Iterator[LivingLab]:
    with living_lab(NAME, PORT) as one:
        yield one


@pytest.fixture(scope="package")
def site(living: LivingLab) -> Site:
    return Site(living.ec2)


@pytest.fixture
def slow(living: LivingLab) -> Iterator[None]:
    """States that begin in the test last until its end."""
    pace(LONG)
    yield
    pace("0")


@pytest.fixture
def quota() -> Iterator[None]:
    """Quotas that a test changes are put back."""
    before = json.loads(lab("quota", "--name", NAME, "--json"))
    yield
    lab("quota", "--name", NAME, *(f"{name}={row['limit']}" for name, row in before.items()))
