"""The bill: what each thing costs, what exceeds a budget, and what a leftover would cost."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
PRICES = yaml.safe_load((REPO / "roles/aws_cost/files/ap-northeast-2.yml").read_text())
MACHINES = [{"name": name, "type": "t3.micro", "disk_gb": 8} for name in ("public", "private")]
DEFAULT: dict[str, Any] = {"machines": MACHINES, "nat": "instance"}


@pytest.fixture(scope="module")
def cost() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cost", REPO / "roles/aws_cost/filter_plugins/monthly_cost.py")
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def total(cost: ModuleType, intent: dict[str, Any]) -> float:
    return float(round(sum(item["usd"] for item in cost.monthly_cost(intent, PRICES)), 2))


def test_the_default_costs_what_the_documentation_says(cost: ModuleType) -> None:
    assert total(cost, DEFAULT) == 24.09
    assert "**24.09**" in (REPO / "docs/cost.md").read_text()


def test_a_managed_gateway_adds_itself_and_its_address(cost: ModuleType) -> None:
    assert total(cost, DEFAULT | {"nat": "gateway"}) - total(cost, DEFAULT) == pytest.approx(43.07 + 3.65)


def test_a_managed_database_adds_itself_and_its_disk_and_a_standby_as_much_again(cost: ModuleType) -> None:
    small = {"class": "db.t4g.micro", "storage_gb": 20, "multi_az": False}
    single, double = (total(cost, DEFAULT | {"database": small | {"multi_az": on}}) for on in (False, True))
    assert single - total(cost, DEFAULT) == pytest.approx(20.87)
    assert double - single == pytest.approx(20.87)
    assert "+ 20.87" in (REPO / "docs/cost.md").read_text()
    assert cost.unpriced_items(DEFAULT | {"database": small | {"class": "db.huge"}}, PRICES) == ["db.huge"]


def test_machines_behind_a_load_balancer_cost_what_the_documentation_says(cost: ModuleType) -> None:
    balanced = {"type": "t3.micro", "machines": 2, "disk_gb": 8}
    more = total(cost, DEFAULT | {"balanced": balanced}) - total(cost, DEFAULT)
    assert more == pytest.approx(50.01)
    assert "**50.01**" in (REPO / "docs/scale.md").read_text()
    assert total(cost, DEFAULT | {"balanced": balanced | {"machines": 3}}) - total(cost, DEFAULT) > more
    assert cost.unpriced_items(DEFAULT | {"balanced": balanced | {"type": "m9.huge"}}, PRICES) == ["m9.huge"]


def test_the_item_that_exceeds_the_budget_is_named(cost: ModuleType) -> None:
    items = cost.monthly_cost(DEFAULT | {"nat": "gateway"}, PRICES)
    assert cost.over_budget(items, 30)["item"].startswith("NAT gateway")
    assert cost.over_budget(items, 5)["item"].startswith("public machine")
    assert cost.over_budget(items, 70.81)["item"] == cost.over_budget(items, 0)["item"] == ""


def test_what_has_no_price_is_named_and_not_taken_for_free(cost: ModuleType) -> None:
    intent = DEFAULT | {"machines": [MACHINES[0] | {"type": "m9.huge"}]}
    assert cost.unpriced_items(intent, PRICES) == ["m9.huge"]
    assert cost.unpriced_items(DEFAULT, {}) == ["t3.micro"]
    assert cost.monthly_cost(intent, PRICES) == []


def test_the_report_shows_the_difference_of_each_option(cost: ModuleType) -> None:
    report = "\n".join(cost.cost_report(DEFAULT, PRICES, "sidedish-playground"))
    assert "+46.72  nat: gateway" in report
    assert "+9.49  private machine as t3.small" in report
    assert "+117.60  scale: balanced" in report
    assert PRICES["date"] in report


def test_a_leftover_says_what_it_would_cost(cost: ModuleType) -> None:
    found = {
        "addresses": [{"id": "eipalloc-1", "name": "a"}],
        "nat_gateways": [{"id": "nat-1", "name": "b", "ours": True}],
        "volumes": [{"id": "vol-1", "name": "c", "size_gb": 8}],
        "load_balancers": [{"id": "sidedish-playground", "name": "", "ours": True}],
        "instances": [{"id": "i-1", "name": "d", "ours": True, "type": "t3.micro", "state": "running"}],
    }
    told = cost.leftover_costs(found, PRICES)
    assert [line.rpartition(": ")[2].split()[0] for line in told] == ["3.65", "43.07", "0.73", "23.73", "9.49"]
