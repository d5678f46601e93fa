"""What Elastic Load Balancing refuses and moto would allow, and what the lab's proxy cannot do."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

from moto.elbv2.exceptions import DuplicateLoadBalancerName
from moto.elbv2.exceptions import ELBClientError as Refused

FREE_ADDRESSES = 8
SMALLEST_PREFIX = 27


def refuse_name(name: str, balancers: Iterable[Any]) -> None:
    if any(one.name == name for one in balancers):
        raise DuplicateLoadBalancerName()


def refuse_kind(kind: str | None, address_type: str) -> None:
    """The lab has no other proxies."""
    if kind not in (None, "application") or address_type != "ipv4":
        raise Refused("ValidationError", f"The lab has application load balancers of IPv4, not {kind} {address_type}.")


def refuse_subnets(subnets: list[Any]) -> None:
    """Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html"""
    if len({one.availability_zone for one in subnets}) < 2:
        raise Refused("ValidationError", "At least two subnets in two different Availability Zones must be specified")
    if len({one.availability_zone for one in subnets}) < len(subnets):
        raise Refused("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in a zone")
    if len({one.vpc_id for one in subnets}) > 1:
        raise Refused("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    for one in subnets:
        small = IPv4Network(one.cidr_block).prefixlen > SMALLEST_PREFIX
        if small or int(one.available_ip_address_count) < FREE_ADDRESSES:
            message = f"Not enough IP space available in {one.id}. ELB requires at least {FREE_ADDRESSES} free"
            raise Refused("InvalidSubnet", f"{message} addresses in each subnet.")


def refuse_without_way(ec2: Any, vpc_id: str, scheme: str) -> None:
    """One that faces the internet needs a way there.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
    """
    attached = any(one.vpc and one.vpc.id == vpc_id for one in ec2.internet_gateways.values())
    if scheme == "internet-facing" and not attached:
        raise Refused("InvalidSubnet", f"VPC {vpc_id} has no internet gateway")


def refuse_groups(ec2: Any, group_ids: Iterable[str], vpc_id: str) -> None:
    for group_id in group_ids:
        group = ec2.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != vpc_id:
            message = f"One or more security groups are invalid: {group_id} is not in {vpc_id}"
            raise Refused("InvalidConfigurationRequest", message)


def refuse_listener(protocol: str | None, actions: list[dict[str, Any]] | None) -> None:
    """HTTP, and one action: the proxy has no certificates, and knows no weights, redirects and logins."""
    if protocol not in (None, "HTTP"):
        raise Refused("UnsupportedProtocol", f"The lab's load balancers listen for HTTP, not for {protocol}.")
    for action in actions or []:
        listed = action.get("ForwardConfig", {}).get("TargetGroups", [])
        if action.get("Type") not in ("forward", "fixed-response") or len(listed) > 1 or len(actions or []) > 1:
            message = "The lab's load balancers forward to one target group or give a fixed response."
            raise Refused("InvalidLoadBalancerAction", message)


def refuse_rules() -> None:
    raise Refused("TooManyRules", "The lab's load balancers have the default rule of a listener and no others.")


def refuse_deletion(balancer: Any) -> None:
    """Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html"""
    if str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
        message = f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is enabled"
        raise Refused("OperationNotPermitted", message)
