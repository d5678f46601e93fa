"""The strategy fast makes a network, too, with all that runs in the background."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.network.accounts import empty_account
from tests.network.test_crash import BUILD


def test_with_fast_an_environment_is_made(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        fast = dataclasses.replace(operator, strategy="fast_linear")
        assert "not proven" not in fast.succeeds(*BUILD), "it fell back, and nothing is shown"
        assert operator.account.things()["instances"] == 2
        operator.changes_nothing(*BUILD)
