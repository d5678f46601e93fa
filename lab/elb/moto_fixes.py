"""Load balancers in moto: interfaces of their own, states and healths that are true, and what ELB refuses.

moto's objects carry what the keeper needs: a load balancer `lab_id` and `lab_nics`, a target group `lab_draining`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address
from typing import Any

from moto.ec2.models import elastic_network_interfaces
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeLoadBalancer, FakeTargetGroup

from lab.api.guards import guard, replace
from lab.elb import refusals
from lab.elb.health import Health
from lab.elb.observe import forwards_to
from lab.observe import ec2_backend

HealthOf = Callable[[str, str], Health]


def apply_elb_fixes(health_of: HealthOf) -> None:
    """Mend moto's classes; call it once, before the first request."""
    _create()
    _change()
    _delete()
    _refuse_listeners()
    _tell_true_health(health_of)
    _let_targets_drain()
    replace(FakeLoadBalancer, "activate", lambda self: None)  # the keeper does, when the proxy answers


def _create() -> None:
    original = ELBv2Backend.create_load_balancer

    def create_load_balancer(
        self: Any,
        name: str,
        security_groups: list[str],
        subnet_ids: list[str],
        subnet_mappings: list[dict[str, str]] | None = None,
        scheme: str | None = None,
        loadbalancer_type: str | None = None,
        ip_address_type: str = "ipv4",
        tags: Any = None,
    ) -> Any:
        ec2, scheme = ec2_backend(self.region_name), scheme or "internet-facing"
        refusals.refuse_name(name, self.load_balancers.values())
        refusals.refuse_kind(loadbalancer_type, ip_address_type)
        ids = [*subnet_ids, *(one["SubnetId"] for one in subnet_mappings or [])]
        subnets = [ec2.get_subnet(one) for one in ids]
        refusals.refuse_subnets(subnets)
        vpc_id = subnets[0].vpc_id
        refusals.refuse_without_way(ec2, vpc_id, scheme)
        groups = security_groups or [ec2.get_default_security_group(vpc_id).id]
        refusals.refuse_groups(ec2, groups, vpc_id)
        made: Any = original(self, name, groups, ids, None, scheme, loadbalancer_type, ip_address_type, tags)
        number = made.arn.rpartition("/")[2]
        # The form of ELB: https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/
        prefix = "internal-" if scheme == "internal" else ""
        made.dns_name = f"{prefix}{name}-{int(number[:8], 16)}.{self.region_name}.elb.amazonaws.com"
        made.lab_id = f"alb-{number}"
        made.lab_nics = [_plug(ec2, made, one) for one in subnets]
        return made

    replace(ELBv2Backend, "create_load_balancer", create_load_balancer)


def _plug(ec2: Any, balancer: Any, subnet: Any) -> str:
    """Its interface in one subnet: requester-managed, described as ELB does."""
    address = subnet.get_available_subnet_ip(instance=None)
    description = f"ELB {balancer.arn.partition('loadbalancer/')[2]}"
    nic = ec2.create_network_interface(
        subnet, address, group_ids=list(balancer.security_groups), description=description
    )
    nic.status, nic.requester_managed, nic.requester_id = "in-use", True, "amazon-elb"
    if balancer.scheme == "internet-facing":
        nic.public_ip = elastic_network_interfaces.random_public_ip()
    return str(nic.id)


def _change() -> None:
    set_groups, set_subnets = ELBv2Backend.set_security_groups, ELBv2Backend.set_subnets

    def set_security_groups(self: Any, arn: str, sec_groups: list[str]) -> Any:
        set_groups(self, arn, sec_groups)
        ec2, balancer = ec2_backend(self.region_name), self.load_balancers[arn]
        refusals.refuse_groups(ec2, sec_groups, balancer.vpc_id)
        for nic_id in balancer.lab_nics:
            ec2.enis[nic_id]._group_set = [ec2.get_security_group_from_id(one) for one in sec_groups]

    def change_subnets(self: Any, arn: str, subnets: list[str], subnet_mappings: list[dict[str, Any]]) -> Any:
        ec2 = ec2_backend(self.region_name)
        wanted = [ec2.get_subnet(one) for one in (*subnets, *(one["SubnetId"] for one in subnet_mappings))]
        refusals.refuse_subnets(wanted)
        zones = set_subnets(self, arn, subnets, subnet_mappings)
        balancer = self.load_balancers[arn]
        before = {ec2.enis[one].subnet.id: one for one in balancer.lab_nics}
        for gone in before.keys() - {one.id for one in wanted}:
            ec2.enis[before.pop(gone)].delete()
        balancer.lab_nics = [before.get(one.id) or _plug(ec2, balancer, one) for one in wanted]
        return zones

    replace(ELBv2Backend, "set_security_groups", set_security_groups)
    replace(ELBv2Backend, "set_subnets", change_subnets)


def _delete() -> None:
    original = ELBv2Backend.delete_load_balancer

    def delete_load_balancer(self: Any, arn: str) -> None:
        balancer = self.load_balancers.get(arn)
        if balancer is None:
            return
        refusals.refuse_deletion(balancer)
        original(self, arn)
        for group in self.target_groups.values():
            group.load_balancer_arns = [one for one in group.load_balancer_arns if one != arn]
        for nic_id in balancer.lab_nics:
            ec2_backend(self.region_name).enis[nic_id].delete()

    replace(ELBv2Backend, "delete_load_balancer", delete_load_balancer)


def _refuse_listeners() -> None:
    for method in ("create_listener", "modify_listener"):
        guard(ELBv2Backend, method, lambda protocol, actions: refusals.refuse_listener(protocol, actions))
    guard(ELBv2Backend, "create_rule", refusals.refuse_rules)


def _tell_true_health(health_of: HealthOf) -> None:
    """Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html"""
    original, describe = FakeTargetGroup.health_for, ELBv2Backend.describe_target_health

    def health_for(self: Any, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
        target_id = target["Id"]
        port = str(self.targets.get(target_id, target).get("Port", self.port))
        said = partial(FakeHealthStatus, target_id, port, self.health_check_port)
        if target_id in getattr(self, "lab_draining", {}):
            return said("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
        known = original(self, target, ec2_backend)
        if target_id not in self.targets or known.status != "healthy":
            return known
        if not self.lab_in_use:
            text = "Target group is not configured to receive traffic from the load balancer"
            return said("unused", "Target.NotInUse", text)
        health = health_of(self.arn, target_id)
        return said(health.state, health.reason or None, health.text or None)

    def describe_target_health(self: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> list[Any]:
        group = self.target_groups.get(target_group_arn)
        if group is not None:
            group.lab_in_use = group.arn in _forwarded(self)
            leaving = getattr(group, "lab_draining", {})
            targets = targets or [*group.targets.values(), *({"Id": one} for one in leaving)]
            if not targets:
                return []
        return list(describe(self, target_group_arn, targets))

    replace(FakeTargetGroup, "health_for", health_for)
    replace(ELBv2Backend, "describe_target_health", describe_target_health)


def _forwarded(backend: Any) -> set[str]:
    listeners = (one for balancer in list(backend.load_balancers.values()) for one in balancer.listeners.values())
    actions = (action for one in listeners for action in one.default_actions)
    return {forwards_to(action) for action in actions if action.type == "forward"}


def _let_targets_drain() -> None:
    """Who leaves gets no new requests, and is given time for those that are under way."""
    register, leave = FakeTargetGroup.register, FakeTargetGroup.deregister

    def begin(group: Any, target_ids: list[str]) -> None:
        if not hasattr(group, "lab_draining"):
            group.lab_draining = {}
        for target_id in target_ids:
            if target_id in group.targets and (address := _address_of(group, target_id)):
                seconds = float(group.attributes["deregistration_delay.timeout_seconds"])
                place = (address, int(group.targets[target_id]["Port"]))
                group.lab_draining[target_id] = (time.monotonic() + seconds, place)

    def joined(self: Any, targets: list[dict[str, Any]]) -> None:
        register(self, targets)
        for one in targets:
            getattr(self, "lab_draining", {}).pop(one["Id"], None)

    def deregister(self: Any, targets: list[dict[str, Any]]) -> None:
        begin(self, [one["Id"] for one in targets])
        leave(self, targets)

    def terminated(self: Any, instance_ids: list[str]) -> None:
        # moto would say `draining` of them for ever.
        deregister(self, [{"Id": one} for one in instance_ids if one in self.targets])

    replace(FakeTargetGroup, "register", joined)
    replace(FakeTargetGroup, "deregister", deregister)
    replace(FakeTargetGroup, "deregister_terminated_instances", terminated)


def _address_of(group: Any, target_id: str) -> IPv4Address | None:
    if not target_id.startswith("i-"):
        return IPv4Address(target_id)
    instance = group.ec2_backend.get_instance_by_id(target_id)
    address = instance.private_ip if instance else None
    return IPv4Address(address) if address else None
