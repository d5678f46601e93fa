"""How rules, addresses and routes are read."""

from __future__ import annotations

import pytest
from reachability import declared, forwarding, hosts, service

from tests.green import RULES, TRANSLATION


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        (TRANSLATION, True),
        ("-A POSTROUTING -o ens5 -j MASQUERADE", True),
        ("-A POSTROUTING -s 10.1.0.0/16 -j SNAT --to-source 10.1.1.10", True),
        ('-A POSTROUTING -s 10.1.2.0/24 -o ens5 -m comment --comment "onebox: NAT" -j MASQUERADE', True),
        ("-A POSTROUTING -s 10.1.3.0/24 -o ens5 -j MASQUERADE", False),
        ("-A POSTROUTING -s 10.1.2.0/24 -o eth0 -j MASQUERADE", False),
        ("-A POSTROUTING -s 10.1.2.0/24 -o ens5 -j ACCEPT", False),
    ],
)
def test_a_translation_counts_when_it_hides_the_range_on_the_way_out(rule: str, good: bool) -> None:
    assert forwarding.translates(rule, "10.1.2.0/24", "ens5") is good


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("[::1]", True), ("[::ffff:127.0.0.1]", True), ("127.0.0.53%lo", True)]
    + [(address, False) for address in ("0.0.0.0", "*", "[::]", "10.1.2.10", "[::ffff:10.1.2.10]")],
)
def test_loopback_is_known_in_all_its_spellings(address: str, loopback: bool) -> None:
    assert hosts.is_loopback(address) is loopback


def test_a_route_to_nowhere_says_so() -> None:
    route = {"network_interface_id": "eni-1", "state": "blackhole"}
    assert declared.describe_route(route, {"eni-1": "public"}) == "public (blackhole)"
    assert declared.describe_route(None, {}) == "none"


def test_a_pattern_without_a_group_gives_the_whole_match() -> None:
    assert service.first_match("row", "a row") == "row"
    assert service.first_match(r"row: (\S+)", "nothing") == ""


@pytest.mark.parametrize(
    ("rules", "stopped"),
    [
        ([], ""),
        ([":FORWARD ACCEPT"], ""),
        (RULES["filter"], ""),
        ([":FORWARD DROP"], "policy DROP"),
        ([*RULES["filter"][:1], "-A FORWARD -s 10.1.2.0/24 -j REJECT"], "-A FORWARD -s 10.1.2.0/24 -j REJECT"),
        ([":FORWARD DROP", "-A FORWARD -s 10.1.0.0/16 -j ACCEPT"], ""),
        ([":FORWARD DROP", "-A FORWARD -s 10.1.2.0/24 -p tcp -j ACCEPT"], "policy DROP"),
        ([":FORWARD ACCEPT", "-A FORWARD -s 10.9.0.0/16 -d 10.8.0.0/16 -j DROP"], ""),
    ],
)
def test_the_rule_that_stops_forwarding_is_found(rules: list[str], stopped: str) -> None:
    assert forwarding.stops_forwarding(rules, "10.1.2.0/24", "ens5") == stopped
