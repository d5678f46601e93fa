"""Read moto's load balancers as frozen values: like lab.observe, one of the few that know moto from inside."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from moto.backends import get_backend

from lab.config import ACCOUNT, REGION
from lab.elb.model import Balancer, Check, Listener, Target, TargetGroup
from lab.model import Endpoint

IDLE_SECONDS = "60"


def elb_backend(region: str = REGION) -> Any:
    return get_backend("elbv2")[ACCOUNT][region]


def _living(region: str) -> list[Any]:
    return [one for one in list(elb_backend(region).load_balancers.values()) if hasattr(one, "lab_nics")]


def interfaces(ec2: Any, region: str = REGION) -> list[tuple[Any, str, int]]:
    """moto's interfaces of all load balancers: each with the id of its owner, and which of the owner's it is."""
    return [
        (ec2.enis[nic_id], one.lab_id, index)
        for one in _living(region)
        for index, nic_id in enumerate(one.lab_nics)
        if nic_id in ec2.enis
    ]


def endpoints(ec2: Any, region: str = REGION) -> list[Endpoint]:
    """Their names. One that faces the internet resolves to its public addresses inside its VPC as well.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
    """
    return [
        Endpoint(name=one.dns_name, vpc_id=one.vpc_id, private_ip=address)
        for one in _living(region)
        for address in _addresses(ec2, one)
    ]


def balancers(ec2: Any, region: str = REGION) -> list[Balancer]:
    backend = elb_backend(region)
    found = []
    for one in _living(region):
        listeners = tuple(_listener(backend, listener) for listener in list(one.listeners.values()))
        wanted = {listener.forward for listener in listeners}
        groups = [group for group in list(backend.target_groups.values()) if group.name in wanted]
        found.append(
            Balancer(
                id=one.lab_id,
                name=one.name,
                dns_name=one.dns_name,
                idle_seconds=int(one.attrs.get("idle_timeout.timeout_seconds", IDLE_SECONDS)),
                addresses=tuple(_addresses(ec2, one)),
                listeners=listeners,
                groups=tuple(_group(ec2, group) for group in groups),
            )
        )
    return found


def _addresses(ec2: Any, balancer: Any) -> list[IPv4Address]:
    nics = [ec2.enis[one] for one in balancer.lab_nics if one in ec2.enis]
    return [IPv4Address(nic.public_ip or nic.private_ip_address) for nic in nics]


def _listener(backend: Any, listener: Any) -> Listener:
    action = listener.default_actions[0]
    port = int(listener.port)
    if action.type == "fixed-response":
        said = action.data["FixedResponseConfig"]
        return Listener(port, status=int(said["StatusCode"]), text=str(said.get("MessageBody") or ""))
    return Listener(port, forward=backend.target_groups[forwards_to(action)].name)


def forwards_to(action: Any) -> str:
    """The target group of an action that names one."""
    listed = action.data.get("ForwardConfig", {}).get("TargetGroups") or [action.data]
    return str(listed[0]["TargetGroupArn"])


def _group(ec2: Any, group: Any) -> TargetGroup:
    port = group.health_check_port
    return TargetGroup(
        arn=group.arn,
        name=group.name,
        check=Check(
            path=group.health_check_path or "/",
            port=int(port) if port and str(port).isdigit() else None,
            interval_seconds=float(group.health_check_interval_seconds),
            timeout_seconds=float(group.health_check_timeout_seconds),
            healthy_count=int(group.healthy_threshold_count),
            unhealthy_count=int(group.unhealthy_threshold_count),
            codes=_codes(str(group.matcher.get("HttpCode", "200"))),
        ),
        targets=tuple(
            Target(str(one["Id"]), int(one["Port"]), _address(ec2, str(one["Id"])))
            for one in list(group.targets.values())
        ),
    )


def _codes(text: str) -> frozenset[int]:
    """`200,202` or `200-299`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _address(ec2: Any, target_id: str) -> IPv4Address | None:
    if not target_id.startswith("i-"):
        return IPv4Address(target_id)
    instance = ec2.get_instance_by_id(target_id)
    if instance is None or instance.state not in ("pending", "running"):
        return None
    return IPv4Address(instance.private_ip)
