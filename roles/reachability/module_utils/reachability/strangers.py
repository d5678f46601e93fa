"""Judge what is there and nobody has asked for: machines, addresses, listeners, accounts of the database.

None of it stops anything today, so no packet that is sent tells of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from . import hosts, state
from .model import RANK_ADDRESS, RANK_APPLICATION, RANK_LISTENER, RANK_ROUTE, Cell, Finding, Intent, Suspect, repair

Api = dict[str, list[dict[str, Any]]]
# Names of the local network, which systemd may ask and answer (LLMNR); no packet of another subnet comes so.
USUAL_PORTS = (5355,)
ANYWHERE = ("%", "0.0.0.0", "::")
REFUSES_WRITES = ("read_only", "super_read_only", "offline_mode")


def judged(topic: str, question: str, found: Collection[str], rank: int, name: str, look: str, command: str) -> Finding:
    """Right where nothing was found; `name` and `look` are told what was."""
    observed = "; ".join(found) or "nothing"
    suspect = Suspect(rank, name.format(observed), look.format(observed), command)
    return Finding(topic, question, "nothing", observed, not found, "", suspect if found else None)


def judge_api(api: Api, intent: Intent) -> list[Finding]:
    return [judge_machines(api, intent), judge_idle_addresses(api, intent)]


def judge_machines(api: Api, intent: Intent) -> Finding:
    """Whoever sits in the VPC is behind its groups' references and routes."""
    found = [
        f"{one['tags'].get('Name') or 'without a name'} ({one['instance_id']})"
        for one in [*api["others"], *(one for one in api["instances"] if not one["tags"].get("Tier"))]
    ]
    return judged(
        "declared",
        "machines in the VPC beyond our own",
        found,
        RANK_ROUTE + 2,
        "machine in the VPC that is not ours: {}",
        "{} has not the tags of this environment. No run adopts or removes it: a person must, or move it elsewhere.",
        repair(intent.environment),
    )


def judge_idle_addresses(api: Api, intent: Intent) -> Finding:
    """An Elastic IP that leads nowhere is paid for all the same."""
    services = {(one["tags"].get("Service"), intent.environment) for one in api["vpcs"]}
    found = [
        str(one["public_ip"])
        for one in api["addresses"]
        if (one.get("tags", {}).get("Service"), one.get("tags", {}).get("Environment")) in services
        and not (one.get("association_id") or one.get("instance_id") or one.get("network_interface_id"))
    ]
    return judged(
        "declared",
        "Elastic IPs that lead to nobody",
        found,
        RANK_ADDRESS + 1,
        "Elastic IP that leads to nobody: {}",
        "{} is ours and is paid for. Release it, if the machines have another: aws ec2 release-address.",
        repair(intent.environment, "aws_instances"),
    )


def judge_listeners(
    machine: str, evidence: dict[str, Any], services: list[dict[str, Any]], matrix: list[Cell], environment: str
) -> list[Finding]:
    """What listens for others, and is neither a service of the machine's nor opened by the matrix."""
    meant = {int(one["port"]) for one in services} | {
        cell.port for cell in matrix if cell.target == machine and cell.expect == "open"
    }
    ends = [listener.rpartition(":") for listener in evidence["listeners"]]
    ports = {int(port) for address, _, port in ends if port.isdigit() and not hosts.is_loopback(address)}
    return [
        judged(
            "hosts",
            f"listens on {machine} for others, unasked",
            [f"port {port}" for port in sorted(ports - meant - set(USUAL_PORTS))],
            RANK_LISTENER + 1,
            f"{machine} listens for others, and nobody asked for it: {{}}",
            f"ss -ltnp on {machine} says whose it is. Today a group hides {{}}; end the program, let it listen on "
            "loopback, or add it to reachability_machines in group_vars/all/reachability.yml.",
            repair(environment),
        )
    ]


def judge_database(machine: str, evidence: dict[str, Any], environment: str) -> list[Finding]:
    """MySQL's own list of who may come, and whether it takes what they write."""
    seen = state.unpack(evidence["state"]) if evidence["state"] else {}
    accounts = [key.removeprefix("MySQL account ") for key in seen if key.startswith("MySQL account ")]
    if not accounts:
        return []
    open_to_all = [one for one in accounts if one.rpartition("@")[2] in ANYWHERE]
    closed = [name for name in REFUSES_WRITES if seen.get(f"MySQL setting {name}") == "ON"]
    command = repair(environment, "mysql_server")
    return [
        judged(
            "hosts",
            f"MySQL accounts on {machine} for anywhere",
            open_to_all,
            RANK_APPLICATION - 3,
            "MySQL account that may come from anywhere: {}",
            "Only a group keeps everybody else from trying {}. DROP USER it, or RENAME USER it to one address.",
            command,
        ),
        judged(
            "hosts",
            f"MySQL on {machine} refuses writes because of",
            closed,
            RANK_APPLICATION - 3,
            f"MySQL on {machine} refuses writes: {{}} is ON",
            "What reads still works, so that pages look well. SET GLOBAL {} = OFF, if nobody is just moving the data.",
            command,
        ),
    ]
