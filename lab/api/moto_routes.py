"""What EC2 refuses of route tables and moto would do. One function per action."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from moto.ec2.models.route_tables import RouteBackend
from moto.ec2.responses.route_tables import RouteTables

from lab.api.guards import guard, refusal

TARGETS = (
    "gateway_id", "instance_id", "nat_gateway_id", "egress_only_igw_id", "transit_gateway_id", "interface_id",
    "vpc_peering_connection_id", "carrier_gateway_id", "vpc_endpoint_id",
)  # fmt: skip


def mend_routes() -> None:
    """Change moto's classes; call it once, before the first request."""
    guard(RouteTables, "delete_route_table", _keep_main_table)  # the backend does it too, with a VPC
    guard(RouteBackend, "disassociate_route_table", _keep_main_association)
    guard(RouteBackend, "associate_route_table", _associate_once)
    guard(RouteBackend, "create_route", _route)
    guard(RouteBackend, "replace_route", _target)
    guard(RouteTables, "delete_route", _keep_local_route)


def _keep_main_table(self: Any) -> None:
    """Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html (main route table)"""
    table = self.ec2_backend.route_tables.get(self._get_param("RouteTableId"))
    if table and table.main_association_id:
        message = f"The routeTable '{table.id}' has dependencies and cannot be deleted."
        raise refusal("DependencyViolation", message)


def _keep_main_association(self: Any, association_id: str) -> None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateRouteTable.html"""
    if any(table.main_association_id == association_id for table in self.route_tables.values()):
        message = f"cannot disassociate the main route table association {association_id}"
        raise refusal("InvalidParameterValue", message)


def _associate_once(self: Any, route_table_id: str, subnet_id: str | None) -> None:
    """A subnet has one table of its own, of its own VPC.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html
    """
    wanted = self.get_route_table(route_table_id)
    if subnet_id is None:
        return
    if self.get_subnet(subnet_id).vpc_id != wanted.vpc_id:
        message = f"Route table {route_table_id} and subnet {subnet_id} belong to different networks"
        raise refusal("InvalidParameterValue", message)
    for table in self.route_tables.values():
        if table is not wanted and subnet_id in table._associations.values():
            message = (
                f"the specified association for route table {route_table_id} conflicts with an existing association"
            )
            raise refusal("Resource.AlreadyAssociated", message)


def _route(
    self: Any,
    route_table_id: str,
    destination_cidr_block: str | None,
    destination_ipv6_cidr_block: str | None,
    destination_prefix_list_id: str | None,
    local: bool,
    **named: Any,
) -> None:
    if local:
        return
    if not (destination_cidr_block or destination_ipv6_cidr_block or destination_prefix_list_id):
        raise refusal("MissingParameter", "The request must contain the parameter destinationCidrBlock")
    _target(self, **named)
    if destination_cidr_block:
        _inside_vpc(self, self.get_route_table(route_table_id), destination_cidr_block, named)


def _target(self: Any, **named: Any) -> None:
    """Exactly one target, which is there.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
    """
    given = [name for name in TARGETS if named.get(name)]
    if not given:
        raise refusal("MissingParameter", "The request must contain exactly one target of the route")
    if len(given) > 1:
        raise refusal("InvalidParameterCombination", "The request must contain exactly one target of the route")
    gateway = self.nat_gateways.get(named.get("nat_gateway_id"))
    if given == ["nat_gateway_id"] and (gateway is None or gateway.state == "deleted"):
        raise refusal("InvalidNatGatewayID.NotFound", f"The natGateway ID '{named['nat_gateway_id']}' does not exist")
    if given == ["instance_id"]:
        refuse_ambiguous(self.get_instance(named["instance_id"]))


def refuse_ambiguous(instance: Any) -> None:
    """What concerns an interface cannot be asked of an instance that has several.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html (InstanceId)
    """
    if len(instance.nics) > 1:
        message = f"There are multiple interfaces attached to instance '{instance.id}'. "
        raise refusal("InvalidInstanceID", f"{message}Please specify an interface ID for the operation instead.")


def _inside_vpc(self: Any, table: Any, destination: str, named: dict[str, Any]) -> None:
    """Inside the VPC a route leads to an interface or a NAT gateway, and is for one whole subnet.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html#route-table-routes
    """
    wanted = IPv4Network(destination)
    if any(route.destination_cidr_block == destination for route in table.routes):
        raise refusal("RouteAlreadyExists", f"The route identified by {destination} already exists.")
    ranges = self.get_vpc(table.vpc_id).cidr_block_association_set
    for vpc in (IPv4Network(one["cidr_block"]) for one in ranges if one["cidr_block_state"]["state"] == "associated"):
        subnets = {one.cidr_block for zone in self.subnets.values() for one in zone.values()}
        leads_inside = any(named.get(name) for name in ("instance_id", "interface_id", "nat_gateway_id"))
        if wanted.subnet_of(vpc) and not (leads_inside and destination in subnets):
            message = (
                f"The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR "
                "blocks. This route can target only an interface or an instance."
            )
            raise refusal("InvalidParameterValue", message)


def _keep_local_route(self: Any) -> None:
    route_table_id = self._get_param("RouteTableId")
    destination = self._get_param("DestinationIpv6CidrBlock") or self._get_param("DestinationCidrBlock")
    for route in self.ec2_backend.get_route_table(route_table_id).routes:
        if route.local and destination in (route.destination_cidr_block, route.destination_ipv6_cidr_block):
            message = f"cannot remove local route {destination} in route table {route_table_id}"
            raise refusal("InvalidParameterValue", message)
