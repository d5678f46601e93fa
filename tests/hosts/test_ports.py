"""Promise 26: of all 65,535 ports, exactly what the matrix says is open, from everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.operator import REPO

from .living import PRIVATE, Living

SCAN = Path(__file__).with_name("scan.py")
PUBLIC = "10.1.1.10"
INTENT = yaml.safe_load((REPO / "group_vars/all/reachability.yml").read_text())


def intended(vantages: set[str], target: str) -> set[int]:
    rows = INTENT["reachability_matrix"]
    return {
        int(row["port"]) for row in rows if row["from"] in vantages and row["to"] == target and row["expect"] == "open"
    }


def scanned(site: Living, vantage: str, address: str) -> dict[str, list[int]]:
    if vantage == "outside":
        argv = [sys.executable, str(SCAN), address]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=400, check=True).stdout
    else:
        site.ssh(vantage, f"cat > scan.py <<'EOF'\n{SCAN.read_text()}\nEOF")
        said = (
            site.run(
                "ssh",
                "-F",
                str(site.build / "ssh_config"),
                vantage,
                f"ulimit -n 4000; python3 scan.py {address}; rm scan.py",
                seconds=400,
            )
            .check()
            .output
        )
    found: dict[str, list[int]] = json.loads(said.splitlines()[-1])
    return found


def test_26_from_outside_the_public_machine_has_what_the_matrix_says(site: Living) -> None:
    found = scanned(site, "outside", site.address())
    assert set(found["open"]) == intended({"operator", "internet"}, "public")
    assert not found["refused"], "a packet passed the group"


def test_26_from_the_public_machine_the_private_one_has_what_the_matrix_says(site: Living) -> None:
    found = scanned(site, "public", PRIVATE)
    assert set(found["open"]) == intended({"public"}, "private")
    assert not found["refused"]


def test_26_from_the_private_machine_the_public_one_has_the_page_and_the_ports_of_the_nat(site: Living) -> None:
    """The group admits what the private machine may use of the internet, so that it can be forwarded."""
    found = scanned(site, "private", PUBLIC)
    assert set(found["open"]) | {22} == {22, 80}
    network = yaml.safe_load((REPO / "group_vars/all/network.yml").read_text())
    assert set(found["refused"]) <= set(network["aws_network_nat_tcp_ports"])


@pytest.mark.parametrize(
    ("machine", "address", "expected"), [("public", PUBLIC, {22, 80}), ("private", PRIVATE, {22, 3306})]
)
def test_26_on_its_own_address_a_machine_has_nothing_more(
    site: Living, machine: str, address: str, expected: set[int]
) -> None:
    assert set(scanned(site, machine, address)["open"]) == expected
