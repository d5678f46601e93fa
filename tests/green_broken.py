"""What follows from many faults alike, and how a fault is judged."""

from __future__ import annotations

from reachability import report

from tests.green import Params, dig, first_suspect, judged, page, wrong


def no_egress(params: Params) -> None:
    dig(params, "observations", "private", "cells")["private -> internet:80"] = "filtered"
    dig(params, "observations", "private", "pages")["egress"] = {
        "status": 0,
        "text": "",
        "error": "timed out",
    }


def no_database(params: Params) -> None:
    dig(params, "observations", "public", "cells")["public -> private:3306"] = "refused"
    page(params, 503, "The database does not answer: connection refused")


def stop(params: Params, machine: str, unit: str) -> None:
    dig(params, "observations", machine, "evidence", "units")[unit]["state"] = "inactive"


def private_unreachable(params: Params) -> None:
    params["observations"]["private"] = {
        "unreachable": True,
        "msg": "Failed to connect\nConnection timed out",
    }


def check_suspect(params: Params, name: str) -> None:
    """The fault is wrong somewhere, and the first suspect; the advice names it and a command."""
    assert wrong(params)
    assert first_suspect(params).startswith(name)
    found = judged(params)
    advice = report.advice(found.findings, found.clues)
    assert name in advice
    assert "Repair: ansible-playbook playbooks/site.yml --limit playground" in advice
