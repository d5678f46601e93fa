"""VPC endpoints as EC2 has them: their routes follow their tables, and what is deleted is gone.

Source: https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import vpcs
from moto.ec2.models.vpcs import VPCBackend, VPCEndPoint
from moto.ec2.responses.vpcs import VPCs

from lab.api.guards import guard, refusal, replace


def mend_endpoints() -> None:
    """Change moto's classes; call it once, before the first request."""
    guard(VPCBackend, "create_vpc_endpoint", _can_be_made)
    guard(VPCBackend, "delete_vpc", _vpc_has_none)
    _take_addresses_of_subnets()
    _let_routes_follow()
    _give_the_default_policy_back()
    _delete_for_good()


def _can_be_made(self: Any, vpc_id: str, service_name: str, endpoint_type: str, route_table_ids: list[str]) -> None:
    self.get_vpc(vpc_id)
    service = service_name.rpartition(f"com.amazonaws.{self.region_name}.")[2]
    known = {*vpcs.AWS_ENDPOINT_SERVICES, *vpcs.COVERED_ENDPOINT_SERVICES, "s3", "dynamodb"}
    if not service_name.startswith(f"com.amazonaws.{self.region_name}.") or service not in known:
        raise refusal("InvalidServiceName", f"The Vpc Endpoint Service '{service_name}' does not exist")
    if endpoint_type.lower() != "gateway":
        return
    lists = {one.id for one in self.managed_prefix_lists.values() if one.prefix_list_name == service_name}
    for table in (self.get_route_table(one) for one in route_table_ids):
        if table.vpc_id != vpc_id:
            message = f"Route table {table.id} and endpoint belong to different networks"
            raise refusal("InvalidParameter", message)
        for route in table.routes:
            if route.destination_prefix_list_id in lists:
                message = f"route table {table.id} already has a route with destination-prefix-list-id "
                raise refusal("RouteAlreadyExists", message + route.destination_prefix_list_id)


def _vpc_has_none(self: Any, vpc_id: str) -> None:
    if any(one.vpc_id == vpc_id for one in self.vpc_end_points.values()):
        raise refusal("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")


def _take_addresses_of_subnets() -> None:
    """moto gives an interface endpoint an address of somebody's network."""
    original = VPCBackend.create_vpc_endpoint

    def create_vpc_endpoint(self: Any, *args: Any, **kwargs: Any) -> Any:
        endpoint = original(self, *args, **kwargs)
        for nic in (self.enis[one] for one in endpoint.network_interface_ids):
            nic.private_ip_address = nic.subnet.get_available_subnet_ip(instance=None)
            nic.private_ip_addresses[0]["PrivateIpAddress"] = nic.private_ip_address
            nic.interface_type, nic.status, nic.requester_managed = "vpc_endpoint", "in-use", True
            nic.description = f"VPC Endpoint Interface {endpoint.id}"
        return endpoint

    replace(VPCBackend, "create_vpc_endpoint", create_vpc_endpoint)


def _let_routes_follow() -> None:
    original = VPCEndPoint.modify

    def modify(self: Any, *args: Any, **kwargs: Any) -> None:
        before = list(self.route_table_ids)
        original(self, *args, **kwargs)
        listed = self.destination_prefix_list_id
        for table in set(before) - set(self.route_table_ids):
            with contextlib.suppress(EC2ClientError):  # somebody deleted the table
                self.ec2_backend.delete_route(table, listed)
        for table in set(self.route_table_ids) - set(before):
            self.ec2_backend.create_route(table, None, gateway_id=self.id, destination_prefix_list_id=listed)

    replace(VPCEndPoint, "modify", modify)


def _give_the_default_policy_back() -> None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html, ResetPolicy."""
    original = VPCs.modify_vpc_endpoint

    def modify_vpc_endpoint(self: Any) -> ActionResult:
        answer = original(self)
        if self._get_bool_param("ResetPolicy"):
            endpoint = self.ec2_backend.vpc_end_points[self._get_param("VpcEndpointId")]
            endpoint.policy_document = json.dumps(VPCEndPoint.DEFAULT_POLICY)
        return answer

    replace(VPCs, "modify_vpc_endpoint", modify_vpc_endpoint)


def _delete_for_good() -> None:
    """What is not there is told beside the others, which go.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpcEndpoints.html
    """

    def delete_vpc_endpoints(self: Any) -> ActionResult:
        backend, missing = self.ec2_backend, []
        for one in self._get_param("VpcEndpointIds", []):
            if endpoint := backend.vpc_end_points.pop(one, None):
                _take_down(backend, endpoint)
                continue
            said = {"Code": "InvalidVpcEndpoint.NotFound", "Message": f"The Vpc Endpoint Id '{one}' does not exist"}
            missing.append({"ResourceId": one, "Error": said})
        return ActionResult({"Unsuccessful": missing})

    replace(VPCs, "delete_vpc_endpoints", delete_vpc_endpoints)


def _take_down(backend: Any, endpoint: Any) -> None:
    for nic_id in endpoint.network_interface_ids:
        nic = backend.enis.pop(nic_id)
        nic.subnet.del_subnet_ip(nic.private_ip_address)
    for table in endpoint.route_table_ids:
        with contextlib.suppress(EC2ClientError):  # the table or its route is gone already
            backend.delete_route(table, endpoint.destination_prefix_list_id)
