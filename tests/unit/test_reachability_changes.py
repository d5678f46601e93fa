"""What has changed since the last green proof is a suspect where something is wrong, and only there."""

from __future__ import annotations

import base64
import json
import zlib

from reachability import changes, state

from tests.green import Params, dig, first_suspect, green, judged, page, wrong


def packed(**lines: str) -> str:
    return base64.b64encode(zlib.compress(json.dumps(lines).encode())).decode()


def with_state(params: Params, text: str) -> Params:
    dig(params, "observations", "public", "evidence")["state"] = text
    return params


def test_a_change_alone_is_no_fault() -> None:
    before = {"when": "yesterday", "state": judged(with_state(green(), packed(a="1"))).state}
    found = judged(with_state(green(), packed(a="2", b="3")), before)
    assert found.is_green
    assert [clue.name for clue in found.clues] == [
        "changed on public since all was well (yesterday): a: 1 -> 2; b (new)"
    ]


def test_what_has_changed_is_named_where_the_answers_alone_say_little() -> None:
    before = {"when": "yesterday", "state": judged(with_state(green(), packed())).state}
    params = with_state(green(), packed(**{"file /etc/nginx/conf.d/odd.conf": "0 644 12345678"}))
    page(params, 404, "nothing here")
    assert wrong(params)
    found = judged(params, before)
    assert found.clues[0].name.endswith("file /etc/nginx/conf.d/odd.conf (new)")
    assert found.clues[0].repair.endswith("--tags nginx_proxy")


def test_a_change_in_the_api_is_told_in_words() -> None:
    before = {"when": "yesterday", "state": judged(green()).state}
    params = green()
    dig(params, "api", "route_tables", 2)["routes"].pop(1)
    (clue,) = judged(params, before).clues
    assert "route of sidedish-playground-private-routes 0.0.0.0/0 -> eni-public (gone)" in clue.name
    assert first_suspect(params) == "default route of private"


def test_counters_and_handles_are_no_change() -> None:
    assert state.tidy("filter", "-A POSTROUTING [12:840] -j MASQUERADE") == "-A POSTROUTING -j MASQUERADE"
    assert state.tidy("filter", ":FORWARD DROP [0:0]") == ":FORWARD DROP"
    assert state.tidy("queue", "qdisc fq_codel 8001: dev ens5 root") == "fq_codel dev ens5 root"
    assert state.tidy("service", "nginx.service loaded active running A web server") == "nginx.service"


def test_changes_without_one_owner_are_repaired_by_a_whole_run() -> None:
    assert changes.owners(["file /etc/nginx/nginx.conf (changed)"]) == "nginx_proxy"
    assert changes.owners(["file /etc/nginx/nginx.conf (changed)", "file /etc/hosts (changed)"]) == ""


def test_an_application_may_make_its_tables_when_it_is_first_asked() -> None:
    """The proof itself may be the first to ask; a table that is gone is another matter."""
    assert changes.differences({}, {"MySQL table app.sidedish": "InnoDB"}) == []
    assert changes.differences({"MySQL table app.sidedish": "InnoDB"}, {}) == ["MySQL table app.sidedish (gone)"]
