"""With the extra fast all is made, too: what runs in the background otherwise is then done in turn."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.network.accounts import empty_account
from tests.network.test_crash import BUILD


def test_with_fast_an_environment_is_made(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        fast = dataclasses.replace(operator, strategy="fast_linear")
        assert "mitogen" not in fast.succeeds(*BUILD).lower(), "it fell back, and nothing is shown"
        assert operator.account.things()["instances"] == 2
        operator.changes_nothing(*BUILD)
