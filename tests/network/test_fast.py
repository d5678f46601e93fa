"""With the extra fast the network is made, too: what runs in the background otherwise is then done in turn."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.network.accounts import empty_account
from tests.network.test_crash import NETWORK


def test_with_fast_a_network_is_made(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        fast = dataclasses.replace(operator, strategy="fast_linear")
        assert "mitogen" not in fast.succeeds("create_network").lower(), "it fell back, and nothing is shown"
        assert operator.account.things() == NETWORK
        operator.changes_nothing("create_network")
