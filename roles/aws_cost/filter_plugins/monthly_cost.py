# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Say what an environment costs a month, from its variables and a table of prices."""

from collections.abc import Callable, Iterator
from typing import Any

INSTANCES = "group_vars/all/instances.yml"
NETWORK = "group_vars/all/network.yml"
DATABASE = "group_vars/all/database.yml"
SCALE = "group_vars/all/scale.yml"
SMALL = {"class": "db.t4g.micro", "storage_gb": 20, "multi_az": False}
PAIR = {"type": "t3.micro", "machines": 2, "disk_gb": 8}
Prices = dict[str, Any]
Intent = dict[str, Any]
Item = dict[str, Any]


def unpriced_items(intent: Intent, prices: Prices) -> list[str]:
    """Name what the table has no price for; all of it, if there is no table."""
    known = prices.get("machine_hour", {}).keys() | prices.get("database_hour", {}).keys()
    wanted = {machine["type"] for machine in intent["machines"]}
    if intent.get("database"):
        wanted.add(intent["database"]["class"])
    if intent.get("balanced"):
        wanted.add(intent["balanced"]["type"])
    return sorted(wanted - known)


def monthly_cost(intent: Intent, prices: Prices) -> list[Item]:
    """Return one item for each thing that is paid for, what every environment has first."""
    return [
        {"item": item, "usd": round(usd, 2), "where": where} for item, usd, where in _items(intent, prices) if prices
    ]


def _items(intent: Intent, prices: Prices) -> Iterator[tuple[str, float, str]]:
    if unpriced_items(intent, prices):
        return
    hours = prices["hours_a_month"]
    address = prices["address_hour"] * hours
    for machine in intent["machines"]:
        price = prices["machine_hour"][machine["type"]] * hours
        spot = ", on the spot market: at most" if machine.get("spot") else ""
        yield f"{machine['name']} machine, {machine['type']}{spot}", price, INSTANCES
    for machine in intent["machines"]:
        size = int(machine["disk_gb"])
        yield f"disk of the {machine['name']} machine, {size} GiB gp3", size * prices["disk_gb_month"], INSTANCES
    yield "public IPv4 address", address, NETWORK
    if intent["nat"] == "gateway":
        gateway = prices["nat_gateway_hour"] * hours
        yield f"NAT gateway, before {prices['nat_gateway_gb']} per GB", gateway, f"{NETWORK} (nat: instance)"
        yield "address of the NAT gateway", address, f"{NETWORK} (nat: instance)"
    if intent.get("database"):
        yield from _database(intent["database"], prices)
    if intent.get("balanced"):
        yield from _balanced(intent["balanced"], prices)


def _database(database: Item, prices: Prices) -> Iterator[tuple[str, float, str]]:
    """The managed database; a standby costs as much as the database itself, its disk too."""
    times, size = (2 if database["multi_az"] else 1), int(database["storage_gb"])
    standby = ", with a standby" if database["multi_az"] else ""
    price = prices["database_hour"][database["class"]] * prices["hours_a_month"]
    yield f"managed database, {database['class']}{standby}", times * price, DATABASE
    yield f"its disk, {size} GiB gp3", times * size * prices["database_gb_month"], DATABASE


def _balanced(balanced: Item, prices: Prices) -> Iterator[tuple[str, float, str]]:
    """Application machines behind a load balancer, as few as there may be, and little traffic."""
    hours, many, size = prices["hours_a_month"], int(balanced["machines"]), int(balanced["disk_gb"])
    yield "load balancer", prices["balancer_hour"] * hours, SCALE
    unit = prices["balancer_unit_hour"] * hours
    yield "its capacity, one unit: 25 new connections a second, 1 GB an hour", unit, SCALE
    yield "its public addresses, one in each zone", 2 * prices["address_hour"] * hours, SCALE
    machines = many * prices["machine_hour"][balanced["type"]] * hours
    yield f"application machines, {many} {balanced['type']} at least", machines, SCALE
    yield f"their disks, {size} GiB gp3 each", many * size * prices["disk_gb_month"], SCALE


def over_budget(items: list[Item], budget: float) -> Item:
    """Return the item with which the sum exceeds the budget, or an empty one. 0 allows any sum."""
    total = 0.0
    for item in items:
        total += item["usd"]
        if budget and round(total, 2) > budget:
            return item
    return {"item": "", "usd": 0.0, "where": ""}


def cost_report(intent: Intent, prices: Prices, name: str) -> list[str]:
    """Write the bill: items, sum, and what each option would change."""
    items = monthly_cost(intent, prices)
    total = sum(item["usd"] for item in items)
    return [
        f"{name}, USD a month of {prices['hours_a_month']} hours, prices of {prices['date']}, without tax",
        *(f"{item['usd']:9.2f}  {item['item']}" for item in items),
        f"{0:9.2f}  VPC, subnets, route tables, groups, internet gateway, S3 endpoint, parameters",
        f"{total:9.2f}  in all",
        f"On top: {prices['egress_gb']} for each GB to the internet, after {prices['egress_free_gb']} free ones.",
        "What would change it:",
        *(
            f"{sum(i['usd'] for i in monthly_cost(other, prices)) - total:+9.2f}  {what}"
            for what, other in _others(intent, prices)
        ),
    ]


def _others(intent: Intent, prices: Prices) -> Iterator[tuple[str, Intent]]:
    """The same environment with one thing changed."""
    other = "instance" if intent["nat"] == "gateway" else "gateway"
    yield f"nat: {other}", intent | {"nat": other}
    database = intent.get("database") or {}
    yield f"database: {'mysql' if database else 'rds'}", intent | {"database": {} if database else SMALL}
    if database:
        yield "a standby for the database", intent | {"database": database | {"multi_az": True}}
    if not intent.get("balanced"):
        needed = {"nat": "gateway", "database": database or SMALL, "balanced": PAIR}
        yield "scale: balanced, with the nat: gateway and the database: rds that it needs", intent | needed
    for index, machine in enumerate(intent["machines"]):
        family, _, _ = machine["type"].partition(".")
        for kind in sorted(prices["machine_hour"]):
            if kind.startswith(f"{family}.") and kind != machine["type"]:
                machines = list(intent["machines"])
                machines[index] = machine | {"type": kind}
                yield f"{machine['name']} machine as {kind}", intent | {"machines": machines}


def leftover_costs(found: dict[str, Any], prices: Prices) -> list[str]:
    """Say of each leftover that costs money how much a month it is."""
    if not prices:
        return ["There is no table of prices for this region."]
    hours = prices["hours_a_month"]
    lines = [(a, prices["address_hour"] * hours) for a in found.get("addresses", [])]
    lines += [(g, prices["nat_gateway_hour"] * hours) for g in found.get("nat_gateways", []) if g["ours"]]
    lines += [(v, v["size_gb"] * prices["disk_gb_month"]) for v in found.get("volumes", [])]
    balancers = [one for one in found.get("load_balancers", []) if one["ours"]]
    lines += [(one, (prices["balancer_hour"] + 2 * prices["address_hour"]) * hours) for one in balancers]
    snapshots = found.get("snapshots", []) + found.get("database_snapshots", [])
    lines += [(s, s["size_gb"] * prices["snapshot_gb_month"]) for s in snapshots]
    for machine in found.get("instances", []):
        price = prices["machine_hour"].get(machine["type"])
        if machine["ours"] and price and machine["state"] in ("pending", "running"):
            lines.append((machine, price * hours))
    unpriced = [d for d in found.get("databases", []) + found.get("spot_requests", []) if d["ours"]]
    return [
        *(f"{item['id']} {item['name']}: {usd:.2f} USD a month" for item, usd in lines),
        *(f"{item['id']} {item['name']}: costs money; the table of prices does not have it" for item in unpriced),
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {
            "unpriced_items": unpriced_items,
            "monthly_cost": monthly_cost,
            "over_budget": over_budget,
            "cost_report": cost_report,
            "leftover_costs": leftover_costs,
        }
