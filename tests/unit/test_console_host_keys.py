"""What is taken for a host key, and what is not, in the output of a console."""

from __future__ import annotations

import base64
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

REPO = Path(__file__).resolve().parents[2]
BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    path = REPO / "roles/aws_instances/library/ec2_console_host_keys.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def key(kind: str = "ssh-ed25519", filling: bytes = b"k") -> str:
    blob = len(kind).to_bytes(4, "big") + kind.encode() + filling * 36
    return f"{kind} {base64.b64encode(blob).decode()}"


def console(*lines: str) -> str:
    return "\r\n".join(["[    1.0] booting", BEGIN, *lines, END, "login: "])


def test_keys_are_found_without_their_comment(module: ModuleType) -> None:
    found = module.host_keys_in(console(f"{key('ssh-rsa')} root@ip-10-1-1-10", f"{key()} root@ip-10-1-1-10"))
    assert found == sorted([key("ssh-rsa"), key()])


def test_a_prefix_before_the_key_does_no_harm(module: ModuleType) -> None:
    assert module.host_keys_in(console(f"<14>Nov 24 06:00:00 cloud-init: {key()} root@host")) == [key()]


def test_the_last_boot_counts(module: ModuleType) -> None:
    text = console(key(filling=b"a")) + console(key(filling=b"b"))
    assert module.host_keys_in(text) == [key(filling=b"b")]


def test_a_block_without_end_is_not_believed(module: ModuleType) -> None:
    assert module.host_keys_in(f"{BEGIN}\n{key()}\n") == []


def test_a_key_outside_of_the_block_is_not_believed(module: ModuleType) -> None:
    assert module.host_keys_in(f"{key()}\n{BEGIN}\n{END}\n") == []


def test_a_key_that_another_message_cut_is_left_out(module: ModuleType) -> None:
    cut = key()[:30] + " [   12.3] usb 1-1: new device"
    assert module.host_keys_in(console(cut, key("ssh-rsa"))) == [key("ssh-rsa")]


def test_a_body_of_another_type_is_left_out(module: ModuleType) -> None:
    assert module.host_keys_in(console(key("ssh-rsa").replace("ssh-rsa", "ssh-ed25519"))) == []


def test_the_complaint_names_machine_time_and_remedy(module: ModuleType) -> None:
    text = module.complaint({"i-1": "sidedish-playground-public"}, ["i-1"], 300)
    assert "sidedish-playground-public (i-1)" in text
    assert "300 seconds" in text
    assert "get-console-output" in text


class Console:
    """An EC2 that shows a key on the nth look, and may not know Latest."""

    def __init__(self, *, shown_at: int, latest: bool = True) -> None:
        self.looks, self.shown_at, self.latest = 0, shown_at, latest

    def get_console_output(self, **arguments: Any) -> dict[str, str]:
        if arguments.get("Latest") and not self.latest:
            raise ClientError({"Error": {"Code": "UnsupportedOperation", "Message": ""}}, "GetConsoleOutput")
        self.looks += 1
        return {"Output": console(key())} if self.looks >= self.shown_at else {}


@pytest.mark.parametrize("latest", [True, False])
def test_it_waits_until_the_key_is_shown(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *, latest: bool) -> None:
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    ec2 = Console(shown_at=3, latest=latest)
    assert module.learn(ec2, {"i-1": "public"}, 60) == ({"i-1": key()}, [])
    assert ec2.looks == 3


def test_it_gives_up_at_the_deadline(module: ModuleType) -> None:
    assert module.learn(Console(shown_at=99), {"i-1": "public"}, 0) == ({}, ["i-1"])


def test_the_key_that_another_operator_kept_first_wins(module: ModuleType) -> None:
    class Store:
        def put_parameter(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "ParameterAlreadyExists", "Message": ""}}, "PutParameter")

        def get_parameter(self, **_: Any) -> dict[str, dict[str, str]]:
            return {"Parameter": {"Value": "theirs"}}

    assert module.keep(Store(), "/onebox/x", "ours", {}) == "theirs"
