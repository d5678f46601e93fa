"""What is read from the programs of a machine."""

from __future__ import annotations

import socket
import struct

from reachability import evidence, flows

SS = """\
LISTEN 0      100        127.0.0.1:8080      0.0.0.0:*
LISTEN 0      511          0.0.0.0:80        0.0.0.0:*
LISTEN 0      128             [::]:22           [::]:*
LISTEN 0      4096   127.0.0.53%lo:53        0.0.0.0:*
"""
NAT = """\
*nat
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j ACCEPT
-A POSTROUTING -s 10.1.2.0/24 -o ens5 -j MASQUERADE
COMMIT
"""


def test_listeners_are_read_from_ss() -> None:
    assert evidence.parse_listeners(SS) == ["0.0.0.0:80", "127.0.0.1:8080", "127.0.0.53%lo:53", "[::]:22"]


def test_rules_are_read_from_iptables_save_without_counters() -> None:
    nat = [":POSTROUTING ACCEPT", "-A PREROUTING -j ACCEPT", "-A POSTROUTING -s 10.1.2.0/24 -o ens5 -j MASQUERADE"]
    assert evidence.parse_rules(NAT) == {"nat": nat}


def test_the_default_interface_is_read_from_ip_route() -> None:
    assert evidence.parse_default_interface("default via 10.1.1.1 dev ens5 proto static\n") == "ens5"
    assert evidence.parse_default_interface("") == ""


def test_the_states_of_units_are_read_from_systemctl() -> None:
    text = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nActiveState=inactive\nLoadState=not-found\n"
    active, missing = evidence.parse_units(text)
    assert active == {"state": "active", "enabled": "enabled"}
    assert missing == {"state": "not-found", "enabled": ""}


def test_a_program_that_is_not_installed_says_nothing() -> None:
    assert evidence.output(["onebox-has-no-such-program"]) is None


def test_failed_units_are_named() -> None:
    text = "nat-doctor.service loaded failed failed NAT doctor: mend forwarding and translation\n"
    assert evidence.parse_failed(text) == ["nat-doctor.service"]
    assert evidence.parse_failed("") == []


def test_flows_are_read_as_they_came() -> None:
    text = (
        "ipv4     2 tcp      6 117 TIME_WAIT src=10.1.2.10 dst=192.0.2.1 sport=40000 dport=80 "
        "src=192.0.2.1 dst=10.1.1.10 sport=80 dport=40000 [ASSURED] mark=0 use=1\n"
    )
    assert flows.parse(text) == [["10.1.2.10", "192.0.2.1"]]


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def test_flows_are_read_from_the_kernels_messages() -> None:
    addresses = attribute(1, socket.inet_aton("10.1.2.10")) + attribute(2, socket.inet_aton("192.0.2.1"))
    nested = 0x8000  # a flag of the type: attributes inside
    body = bytes(4) + attribute(1 | nested, attribute(1 | nested, addresses))
    told = struct.pack("=LHHLL", 16 + len(body), 0x100, 2, 1, 0) + body + struct.pack("=LHHLL", 16, flows.DONE, 2, 1, 0)
    (kind, found), (end, _) = flows.messages(told)
    assert (kind, end) == (0x100, flows.DONE)
    assert flows.ends(found) == ["10.1.2.10", "192.0.2.1"]


def broken() -> None:
    raise PermissionError("not for you")


def test_what_cannot_be_read_does_not_hide_the_rest() -> None:
    assert evidence.attempt(broken) is None
    assert evidence.attempt(lambda: 1) == 1


def test_the_end_and_the_names_of_a_certificate_are_read() -> None:
    text = "notAfter=Jan  1 00:00:00 2020 GMT\nX509v3 Subject Alternative Name: \n    DNS:a.example, DNS:*.b.example\n"
    found = evidence.parse_certificate(text)
    assert found["names"] == ["a.example", "*.b.example"]
    assert found["days"] < 0
    assert evidence.parse_certificate("") == {"days": None, "names": []}
