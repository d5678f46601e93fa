"""States that take time, in moto's instances and NAT gateways: what moto does at once begins and ends by the pace.

Sources: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html and
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html

Each `type: ignore` is the replacing itself: mypy forbids to assign to a method, and that is what is meant.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

from moto.ec2.exceptions import EC2ClientError, ResourceAlreadyAssociatedError
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.utils import is_tag_filter, tag_filter_matches

from lab.api.pace import Pace

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


def mend_states(pace: Pace) -> None:
    """Change moto's classes; call it once, before the first request."""
    _launch_slowly(pace)
    _start_and_stop_slowly(pace)
    _terminate_slowly(pace)
    _make_nat_gateways_slowly(pace)
    _delete_nat_gateways_slowly(pace)


def _set(instance: Any, state: str) -> None:
    instance._state.name, instance._state.code = state, CODES[state]


def _launch_slowly(pace: Pace) -> None:
    original = InstanceBackend.run_instances

    def run_instances(self: Any, *args: Any, **kwargs: Any) -> Any:
        reservation = original(self, *args, **kwargs)
        for instance in reservation.instances:
            _set(instance, "pending")
            pace.begin(instance.id, partial(_set, instance, "running"))
        return reservation

    InstanceBackend.run_instances = run_instances  # type: ignore[method-assign]


def _start_and_stop_slowly(pace: Pace) -> None:
    """What is there already, or on its way there, stays as it is."""
    start, stop = Instance.start, Instance.stop

    def slow_start(self: Any) -> Any:
        if self.state in ("pending", "running"):
            return copy.copy(self._state)
        before = start(self)
        _set(self, "pending")
        pace.begin(self.id, partial(_set, self, "running"))
        return before

    def slow_stop(self: Any) -> Any:
        if self.state in ("stopping", "stopped"):
            return copy.copy(self._state)
        before = stop(self)
        _set(self, "stopping")
        pace.begin(self.id, partial(_set, self, "stopped"))
        return before

    Instance.start = slow_start  # type: ignore[method-assign]
    Instance.stop = slow_stop  # type: ignore[method-assign]


def _terminate_slowly(pace: Pace) -> None:
    """Interfaces and addresses are let go at the end only, so a subnet cannot be deleted before."""
    terminate = Instance.terminate

    def slow_terminate(self: Any) -> Any:
        before = copy.copy(self._state)
        if before.name not in ("shutting-down", "terminated"):
            _set(self, "shutting-down")
            pace.begin(self.id, partial(terminate, self))
        return before

    Instance.terminate = slow_terminate  # type: ignore[method-assign]


def _make_nat_gateways_slowly(pace: Pace) -> None:
    """Its private address is a free one of its subnet; moto takes one of somebody's network."""
    original = NatGatewayBackend.create_nat_gateway

    def create_nat_gateway(
        self: Any, subnet_id: str, allocation_id: str, tags: Any = None, connectivity_type: str | None = None
    ) -> Any:
        subnet, connectivity_type = self.get_subnet(subnet_id), connectivity_type or "public"
        if connectivity_type == "public" and not allocation_id:
            raise EC2ClientError("MissingParameter", "The request must contain the parameter AllocationId")
        if allocation_id and any(one.association_id for one in self.address_by_allocation([allocation_id])):
            raise ResourceAlreadyAssociatedError(allocation_id)
        gateway = original(self, subnet_id, allocation_id, tags, connectivity_type)
        nic = gateway._eni
        address = subnet.get_available_subnet_ip(instance=None)
        gateway.private_ip = nic.private_ip_address = address
        nic.private_ip_addresses[0]["PrivateIpAddress"] = gateway.address_set[0]["privateIp"] = address
        nic.interface_type, nic.status, nic.requester_managed = "nat_gateway", "in-use", True
        nic.description = f"Interface for NAT Gateway {gateway.id}"
        nic.source_dest_check = False
        gateway.state = "pending"
        pace.begin(gateway.id, partial(_open, self, gateway))
        return gateway

    NatGatewayBackend.create_nat_gateway = create_nat_gateway  # type: ignore[method-assign]


def _open(backend: Any, gateway: Any) -> None:
    """Without an internet gateway it ends as a failed one.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
    """
    attached = any(one.vpc and one.vpc.id == gateway.vpc_id for one in backend.internet_gateways.values())
    if attached or gateway.connectivity_type == "private":
        gateway.state = "available"
        return
    _let_go(backend, gateway)
    gateway.state, gateway.failure_code = "failed", "Gateway.NotAttached"
    gateway.failure_message = f"Network {gateway.vpc_id} has no Internet gateway attached"


def _let_go(backend: Any, gateway: Any) -> None:
    """moto keeps the address mapped and the interface there for ever."""
    for address in list(backend.addresses):
        if address.eni is gateway._eni:
            backend.disassociate_address(association_id=address.association_id)
    backend.enis.pop(gateway._eni.id, None)
    gateway._eni.subnet.del_subnet_ip(gateway._eni.private_ip_address)


def _close(backend: Any, gateway: Any) -> None:
    _let_go(backend, gateway)
    gateway.state = "deleted"


def _delete_nat_gateways_slowly(pace: Pace) -> None:
    """At the end it lets its address go and its interface is gone."""
    describe = NatGatewayBackend.describe_nat_gateways

    def unknown(backend: Any, gateway_id: str) -> EC2ClientError | None:
        message = f"NatGateway {gateway_id} was not found"
        return None if gateway_id in backend.nat_gateways else EC2ClientError("NatGatewayNotFound", message)

    def describe_nat_gateways(self: Any, filters: Any, nat_gateway_ids: list[str] | None) -> Any:
        for gateway_id in nat_gateway_ids or []:
            if error := unknown(self, gateway_id):
                raise error
        found = describe(self, filters, nat_gateway_ids)
        by_tag = {name: values for name, values in (filters or {}).items() if is_tag_filter(name)}  # moto ignores them
        return [one for one in found if all(tag_filter_matches(one, name, values) for name, values in by_tag.items())]

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        if error := unknown(self, nat_gateway_id):
            raise error
        gateway = self.nat_gateways[nat_gateway_id]
        if gateway.state == "failed":
            gateway.state = "deleted"
        elif gateway.state not in ("deleting", "deleted"):
            gateway.state = "deleting"
            pace.begin(gateway.id, partial(_close, self, gateway))
        return gateway

    NatGatewayBackend.delete_nat_gateway = delete_nat_gateway  # type: ignore[method-assign]
    NatGatewayBackend.describe_nat_gateways = describe_nat_gateways  # type: ignore[method-assign]
