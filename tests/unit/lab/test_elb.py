"""The parts of the lab's load balancer that need no kernel: health, the proxy's text, names on this computer."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from lab.elb.health import Answer, Health
from lab.elb.host_names import write_names
from lab.elb.model import Balancer, Check, Listener, TargetGroup
from lab.elb.observe import _codes
from lab.elb.proxy_config import point, proxy_config

GOOD, BAD = Answer(), Answer("Target.Timeout", "Request timed out")
CHECK = Check(healthy_count=3, unhealthy_count=2)


def states(*answers: Answer, start: Health | None = None) -> list[str]:
    health, seen = start or Health(), []
    for answer in answers:
        health = health.after(answer, CHECK)
        seen.append(health.state)
    return seen


def test_a_new_target_needs_one_good_check() -> None:
    assert states(GOOD) == ["healthy"]
    assert states(BAD, GOOD) == ["initial", "healthy"]
    assert states(BAD, BAD) == ["initial", "unhealthy"]


def test_a_state_changes_after_so_many_answers_in_a_row() -> None:
    assert states(BAD, GOOD, BAD, BAD, start=Health("healthy")) == ["healthy", "healthy", "healthy", "unhealthy"]
    assert states(GOOD, GOOD, BAD, GOOD, GOOD, GOOD, start=Health("unhealthy"))[-2:] == ["unhealthy", "healthy"]


def test_the_reason_is_that_of_the_last_check() -> None:
    refused = Answer("Target.FailedHealthChecks", "Health checks failed")
    assert Health("unhealthy", "Target.Timeout").after(refused, CHECK).reason == "Target.FailedHealthChecks"
    assert Health("unhealthy", "Target.Timeout", streak=2).after(GOOD, CHECK) == Health("healthy", "", "")


def test_a_listener_forwards_or_answers() -> None:
    listeners = (Listener(80, forward="web"), Listener(81, status=404, text="nothing here"))
    text = proxy_config(
        Balancer("alb-1", "front", "front.example", 60, (), listeners, (TargetGroup("a", "web", CHECK),))
    )
    assert "frontend port-80\n  bind 0.0.0.0:80\n" in text
    assert "  default_backend web\n" in text
    assert '  http-request return status 404 content-type text/plain string "nothing here"\n' in text
    assert "backend web\n" in text


def test_a_slot_leads_to_a_target_or_to_nobody() -> None:
    told = point("web", 3, (IPv4Address("10.1.1.4"), 80))
    assert told == "set server web/t3 addr 10.1.1.4 port 80;set server web/t3 state ready"
    assert point("web", 3, None) == "set server web/t3 state maint"


def test_codes_are_a_list_or_a_range() -> None:
    assert _codes("200,202") == {200, 202}
    assert _codes("200-299,404") == {*range(200, 300), 404}


def test_names_of_one_lab_leave_the_others_alone(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n")
    write_names("one", [("a.example", IPv4Address("198.18.0.1"))], path=path)
    write_names("two", [("b.example", IPv4Address("198.18.16.1"))], path=path)
    write_names("one", [], path=path)
    assert path.read_text() == "127.0.0.1 localhost\n198.18.16.1 b.example # onebox-lab two\n"
