"""The trace names the decision that drops a packet, and says what it cannot know."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
import yaml

from lab.config import LabConfig
from lab.errors import LabError
from lab.model import Address, Instance, Model, Route
from lab.trace.codes import Code
from lab.trace.path import Trace
from lab.trace.picture import draw
from lab.trace.question import Service, trace
from tests.worlds import base_world, build_model, machine_id, merge

POOL = LabConfig().pool
WEB_PUBLIC = str(POOL[16])


def account(change: dict[str, Any], *, world: str = "two_tier", **states: str) -> Model:
    """A drawn world whose machines have names, and run unless said otherwise."""
    drawn = merge(base_world(world), {"vpcs": {"a": change}})
    model = build_model(drawn, POOL)
    instances = [
        Instance(nic.instance_id, name, states.get(name, "running"), "ami-1", "t3.micro", (nic.id,), "", "")
        for vpc in model.vpcs
        for name in drawn["vpcs"][vpc.name]["machines"]
        for nic in vpc.interfaces
        if nic.instance_id == machine_id(vpc.name, name)
    ]
    return replace(model, instances=tuple(instances))


def ask(text: str, change: dict[str, Any] | None = None, *, world: str = "two_tier", **states: str) -> Trace:
    """`data internet tcp 443`."""
    source, target, *service = text.split()
    return trace(account(change or {}, world=world, **states), source, target, Service.parse(service))


# Question, change to the world, code, and a part of what is said.
DROPS = [
    ("internet web 8080", "{}", Code.ENI_SG_RULES_MISMATCH, "ingress"),
    ("web data 3306", "{groups: {web: {egress: []}}}", Code.SG_HAS_NO_RULES, "egress"),
    ("web data 3306", "{acls: {strict: *strict}}", Code.SUBNET_ACL_RESTRICTION, "entry 90: deny tcp 3306"),
    ("web data 22", "{acls: {strict: *strict}}", Code.SUBNET_ACL_RESTRICTION, "egress entry *"),
    ("data internet 443", "{machines: {web: {check: true}}}", Code.ENI_SOURCE_DEST_CHECK_RESTRICTION, "check is on"),
    ("data internet 443", "{tables: {private: {routes: null}}}", Code.NO_ROUTE_TO_DESTINATION, "no route"),
    ("data internet 443", "{tables: {private: {routes: {0.0.0.0/0: gone}}}}", Code.BAD_STATE_ROUTE, "black hole"),
    ("data internet 443", "{machines: {web: {public: null}}}", Code.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS, "no public"),
    ("data internet 443", "{machines: {web: {subnet: private}}}", Code.FORWARDING_LOOP, "back to it"),
    # The most frequent mistake with a NAT instance: its group does not admit whom it serves.
    ("data internet 443", "{groups: {web: {ingress: [tcp 80 0.0.0.0/0]}}}", Code.ENI_SG_RULES_MISMATCH, "ingress"),
    ("web internet 443", "{gateway: false}", Code.BAD_STATE_ROUTE, "black hole"),
    ("internet web 80", "{gateway: false}", Code.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS, "no internet gateway"),
    ("internet data 22", "{}", Code.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS, "no public address"),
    ("internet 10.1.2.10 22", "{}", Code.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS, "outside"),
    ("web 10.1.1.99 22", "{}", Code.NO_POSSIBLE_DESTINATION, "no interface has"),
    ("web 192.168.1.1 22", "{}", Code.IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS, "192.168.1.1"),
    ("web 100.64.0.1 22", "{}", Code.IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS, "100.64.0.1"),
    ("web 10.1.0.2 80", "{}", Code.NO_POSSIBLE_DESTINATION, "nothing else"),
    ("internet 203.0.113.9 80", "{}", Code.UNASSOCIATED_COMPONENT, "neither"),
]
STRICT = "{subnets: [private], entries: [ingress 90 deny tcp 3306 0.0.0.0/0, ingress 100 allow all 0.0.0.0/0]}"


@pytest.mark.parametrize(("question", "change", "code", "words"), DROPS)
def test_the_first_drop_is_named(question: str, change: str, code: Code, words: str) -> None:
    answer = ask(question, yaml.safe_load(change.replace("*strict", STRICT)))
    assert (answer.code, answer.reachable) == (code, False)
    assert words in answer.steps[-1].decision


def test_a_reply_that_has_no_way_back_is_a_drop_on_the_reply() -> None:
    answer = ask("internet web 80", {"tables": {"public": {"subnets": []}}})
    assert (answer.code, answer.steps[-1].leg) == (Code.NO_ROUTE_TO_DESTINATION, "reply")


def test_a_reply_by_the_nat_instance_comes_from_another_address() -> None:
    change = {"machines": {"data": {"public": 17}}, "groups": {"data": {"ingress": ["all 0.0.0.0/0"]}}}
    answer = ask("internet data 22", change)
    assert answer.code == Code.REPLY_FROM_ANOTHER_ADDRESS


def test_a_network_acl_must_admit_every_port_a_client_may_have() -> None:
    some = ["ingress 100 allow all 0.0.0.0/0", "egress 100 allow tcp 40000-65535 0.0.0.0/0"]
    answer = ask("web data 3306", {"acls": {"some": {"subnets": ["private"], "entries": some}}})
    assert (answer.code, answer.steps[-1].leg) == (Code.SUBNET_ACL_RESTRICTION, "reply")


def test_a_group_named_in_a_rule_does_not_count_on_a_detour() -> None:
    change = {
        "tables": {"public": {"routes": {"10.1.2.0/24": "spy"}}},
        "groups": {"web": {"egress": ["all data"]}, "any": {"ingress": ["all 0.0.0.0/0"]}},
        "machines": {"spy": {"subnet": "public", "address": "10.1.1.50", "groups": ["any"], "check": False}},
    }
    assert ask("web data 3306", change).code == Code.SG_REFERENCES_NOT_PRESERVED


@pytest.mark.parametrize("state", ["stopped", "stopping"])
def test_a_machine_that_does_not_run_is_named(state: str) -> None:
    assert ask("data web 80", web=state).code == Code.BAD_STATE
    assert ask("web data 22", web=state).code == Code.BAD_STATE
    assert ask("data internet 443", web=state).code == Code.BAD_STATE_ROUTE


def test_masquerading_is_assumed_only_where_nobody_has_looked() -> None:
    model = account({})
    assumed = trace(model, "data", "internet", Service("tcp", 443))
    assert assumed.reachable
    assert str(assumed.seen_as) == WEB_PUBLIC
    assert ["(web) forwards and masquerades" in one for one in assumed.assumptions] == [True]
    known = trace(model, "data", "internet", Service("tcp", 443), masquerading=frozenset({machine_id("a", "web")}))
    assert (known.reachable, known.assumptions) == (True, ())
    missing = trace(model, "data", "internet", Service("tcp", 443), masquerading=frozenset())
    assert missing.code == Code.INSTANCE_DOES_NOT_FORWARD


@pytest.mark.parametrize(
    ("question", "seen_as"),
    [
        ("internet web 80", "203.0.113.1"),
        ("web data 3306", "10.1.1.10"),
        ("data web icmp", "10.1.2.10"),
        (f"data {WEB_PUBLIC} 80", WEB_PUBLIC),
        ("198.51.100.7 web 22", "198.51.100.7"),
        (f"{machine_id('a', 'web')} 10.1.2.10 22", "10.1.1.10"),
    ],
)
def test_places_are_names_ids_and_addresses(question: str, seen_as: str) -> None:
    assert str(ask(question).seen_as) == seen_as


def test_amazons_resolver_is_beyond_all_rules() -> None:
    shut = {"groups": {"data": {"egress": []}}, "acls": {"shut": {"subnets": ["private"], "entries": []}}}
    assert ask("data 10.1.0.2 udp 53", shut).reachable
    assert ask("data 169.254.169.254 tcp 80", shut).reachable


def test_a_machine_reaches_itself_whatever_its_groups_say() -> None:
    assert ask("data data 9999", {"groups": {"data": {"egress": []}}}).reachable


def test_an_idle_elastic_ip_leads_nowhere() -> None:
    model = replace(account({}), addresses=(Address("eipalloc-1", POOL[40]),))
    for source in ("internet", "web"):
        answer = trace(model, source, str(POOL[40]), Service("tcp", 22))
        assert answer.code == Code.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS


def test_a_nat_gateway_needs_no_assumption_and_admits_nothing_unasked() -> None:
    change = {
        "machines": {"nat-gateway": {"subnet": "public", "address": "10.1.1.20", "public": 20, "check": False}},
        "tables": {"private": {"routes": {"0.0.0.0/0": "nat-gateway"}}},
    }
    answer = ask("data internet 443", change)
    assert (answer.seen_as, answer.assumptions) == (POOL[20], ())
    assert ask(f"internet {POOL[20]} 443", change).code == Code.NO_POSSIBLE_DESTINATION


def test_a_gateway_endpoint_goes_past_the_nat_and_carries_no_udp() -> None:
    model = account({})
    (vpc,) = model.vpcs
    to_service = Route(IPv4Network("198.51.100.0/24"), "vpce-1")
    tables = [replace(one, routes=(*one.routes, to_service)) for one in vpc.route_tables]
    model = replace(model, vpcs=(replace(vpc, route_tables=tuple(tables)),))
    answer = trace(model, "data", "198.51.100.9", Service("tcp", 443))
    assert (str(answer.seen_as), answer.assumptions, answer.reachable) == ("10.1.2.10", (), True)
    assert trace(model, "data", "198.51.100.9", Service("udp", 53)).code == Code.VPCE_GATEWAY_PROTOCOL_RESTRICTION


def test_icmp_is_asked_by_type_and_code() -> None:
    change = {"groups": {"data": {"ingress": ["icmp 3/4 0.0.0.0/0"]}}}
    assert ask("web data icmp 3/4", change).reachable
    assert not ask("web data icmp 3/1", change).reachable
    assert not ask("web data icmp", change).reachable


@pytest.mark.parametrize("words", ["", "https", "tcp", "tcp 0", "tcp 65536", "sctp 80", "tcp 80 81", "icmp echo"])
def test_what_is_no_service_is_refused(words: str) -> None:
    with pytest.raises(LabError, match="names no service"):
        Service.parse(words.split())


def test_an_unknown_or_ambiguous_place_is_refused() -> None:
    with pytest.raises(LabError, match="nothing here is called db"):
        ask("web db 22")
    twins = account({})
    twins = replace(twins, instances=tuple(replace(one, name="twin") for one in twins.instances))
    with pytest.raises(LabError, match="several machines"):
        trace(twins, "twin", "internet", Service("tcp", 22))


def test_the_picture_names_the_blocker_first_and_last() -> None:
    text = draw(ask("internet web 8080").as_json())
    first, *_, last = text.splitlines()
    assert first == "internet -> web tcp 8080: not reachable"
    assert last.startswith("ENI_SG_RULES_MISMATCH: sg-")
    assert "assumed: " in draw(ask("data internet 443").as_json())
    assert max(len(line) for line in text.splitlines()) <= 120


def test_json_says_all_that_the_picture_shows() -> None:
    answer = ask("internet web 8080").as_json()
    assert (answer["reachable"], answer["code"]) == (False, "ENI_SG_RULES_MISMATCH")
    assert [step["allowed"] for step in answer["steps"]] == [True, False]
    assert set(answer["steps"][0]) == {"leg", "component", "decision", "packet", "code", "allowed"}
