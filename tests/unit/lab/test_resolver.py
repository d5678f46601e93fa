"""What the VPC's resolver answers by itself and what it leaves to others."""

from __future__ import annotations

from ipaddress import IPv4Address

import dns.message
import dns.rdatatype
import pytest

from lab.services.resolver import answer_locally

OWN = {
    "checkip.amazonaws.com.": (IPv4Address("198.18.0.1"),),
    "two.elb.amazonaws.com.": (IPv4Address("198.18.0.2"), IPv4Address("198.18.0.3")),
}


def addresses(name: str, kind: str = "A") -> list[str] | None:
    reply = answer_locally(dns.message.make_query(name, kind).to_wire(), own_names=OWN)
    if not reply:
        return None
    # In any order: dnspython shuffles them, as servers do.
    return sorted(str(item) for rrset in dns.message.from_wire(reply).answer for item in rrset)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ip-10-1-1-4.ap-northeast-2.compute.internal", ["10.1.1.4"]),
        ("IP-10-1-1-4.ap-northeast-2.compute.internal", ["10.1.1.4"]),
        ("checkip.amazonaws.com", ["198.18.0.1"]),
        ("two.elb.amazonaws.com", ["198.18.0.2", "198.18.0.3"]),
        ("ip-10-1-1-999.ap-northeast-2.compute.internal", None),
        ("example.com", None),
    ],
)
def test_own_names_are_answered_here(name: str, expected: list[str] | None) -> None:
    assert addresses(name) == expected


def test_an_own_name_has_no_ipv6_address() -> None:
    assert addresses("checkip.amazonaws.com", "AAAA") == []
