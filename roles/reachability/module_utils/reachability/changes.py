"""What is not as it was when the proof was last green: the first question of everybody who looks for a cause.

A change alone is no fault. Where something is wrong, what has changed is what to look at, whatever it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import state
from .model import RANK_APPLICATION, RANK_CHANGE, Suspect, repair
from .paths.account import Account
from .paths.filters import ports_in_words, rule_in_words

FILE = "last_green.json"
API = "the API"
MOST_NAMED, MOST_LISTED = 3, 12
# What says most comes first; the same change may show in several of them.
ORDER = ("file", "MySQL", "filter", "kernel", "link", "queue", "route", "rule", "listener", "service", "filter6")
# Which role owns what has such a word in its name: a run of it alone is quicker than all.
OWNERS = {
    "nginx": "nginx_proxy",
    "tomcat": "tomcat",
    "mysql": "mysql_server",
    "sshd": "ssh_bastion,host_baseline",
    "nat-": "nat_masquerade",
    "POSTROUTING": "nat_masquerade",
    "FORWARD": "nat_masquerade",
    "ip_forward": "nat_masquerade",
}
# Of these, values change by themselves: times, and the names that AWS gives to a state.
VOLATILE = ("time", "date", "reason", "token", "owner_id", "requester_id", "ami_launch_index", "attachment")
# An application makes its tables when it is first asked, perhaps by the very proof that was green.
NEW_AS_USUAL = "MySQL table "
IDENTITIES = {
    "instances": "instance_id",
    "subnets": "subnet_id",
    "vpcs": "vpc_id",
    "endpoints": "vpc_endpoint_id",
    "addresses": "public_ip",
    "nat_gateways": "nat_gateway_id",
    "internet_gateways": "internet_gateway_id",
}


def flat(value: Any, name: str = "") -> dict[str, str]:
    """Leaf by leaf; a list of plain things is one leaf."""
    if isinstance(value, Mapping):
        found = {}
        for key, part in value.items():
            if not any(word in str(key) for word in VOLATILE):
                found.update(flat(part, f"{name}.{key}" if name else str(key)))
        return found
    if isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        return {k: v for number, part in enumerate(value) for k, v in flat(part, f"{name}[{number}]").items()}
    return {name: json.dumps(value, sort_keys=True, default=str)}


def of_api(api: Mapping[str, Any], account: Account) -> dict[str, str]:
    """Everything that the API was asked about, one line each."""
    found = {}
    for kind in IDENTITIES:
        for one in api.get(kind, []):
            identity = one.get(IDENTITIES[kind], "?")
            label = one.get("tags", {}).get("Name") or identity
            found.update({f"{kind} {label} {key}": value for key, value in flat(one).items()})
    for group in account.groups:
        for word, rules in (("ingress", group.ingress), ("egress", group.egress)):
            found.update({f"rule of {group.name} {word} {rule_in_words(rule, account)}": "" for rule in rules})
    for table in account.tables:
        label = table.name or table.id
        found.update({f"route of {label} {one.destination} -> {one.target}": str(one.active) for one in table.routes})
        found.update({f"route table of {subnet}": label for subnet in table.subnets})
    for acl in account.acls:
        for one in acl.entries:
            word = f"{'egress' if one.egress else 'ingress'} {one.number} {'allow' if one.allow else 'deny'}"
            found[f"network ACL {acl.id} {word} {ports_in_words(one)} {one.cidr}"] = ""
        found.update({f"network ACL of {subnet}": acl.id for subnet in acl.subnets})
    for nic in account.interfaces:
        words = f"{nic.check} {nic.public} {sorted(nic.groups)} {nic.state}"
        found[f"interface {nic.name or nic.id}"] = words
    return found


def now(params: Mapping[str, Any], account: Account) -> dict[str, dict[str, str]]:
    """The state of everybody who was asked."""
    found = {API: of_api(params["api"], account)}
    for machine, observation in params["observations"].items():
        packed = (observation or {}).get("evidence", {}).get("state")
        if packed:
            found[machine] = state.unpack(packed)
    return found


def load(folder: Path) -> dict[str, Any]:
    """The state of the last green proof; nothing where there was none, or where it cannot be read."""
    try:
        found: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What came, went and changed, in words."""
    lines = [f"{key} (new)" for key in after if key not in before and not key.startswith(NEW_AS_USUAL)]
    lines += [f"{key} (gone)" for key in before if key not in after]
    for key in before:
        if key in after and before[key] != after[key]:
            shown = f"{before[key]} -> {after[key]}"
            lines.append(f"{key} (changed)" if key.startswith("file ") or len(shown) > 60 else f"{key}: {shown}")
    return sorted(lines, key=rank)


def rank(line: str) -> tuple[int, str]:
    kind = line.partition(" ")[0]
    return (ORDER.index(kind) if kind in ORDER else 0, line)


def owners(lines: list[str]) -> str:
    """The tags of the roles that all these changes belong to; nothing where one has no owner, so that all is run."""
    found = []
    for line in lines:
        role = next((role for word, role in OWNERS.items() if word.lower() in line.lower()), "")
        if not role:
            return ""
        found += role.split(",")
    return ",".join(dict.fromkeys(found))


def clues(before: Mapping[str, Any], after: Mapping[str, Mapping[str, str]], environment: str) -> list[Suspect]:
    """One suspect for each place where something is not as it was."""
    found = []
    for place, seen in after.items():
        lines = differences(before.get("state", {}).get(place, seen), seen)
        if not lines:
            continue
        named = "; ".join(lines[:MOST_NAMED]) + (f"; and {len(lines) - MOST_NAMED} more" if lines[MOST_NAMED:] else "")
        found.append(
            Suspect(
                # What changed in the API and matters is named by its own findings: it comes after the rest.
                RANK_APPLICATION + 2 if place == API else RANK_CHANGE,
                f"changed on {place} since all was well ({before.get('when', '?')}): {named}",
                "; ".join(lines[:MOST_LISTED]),
                repair(environment, owners(lines)),
            )
        )
    return found
