"""What must belong together: gateways and routes, addresses and a way out, groups and subnets, and what is attached."""

from __future__ import annotations

from lab.api.account import Account
from lab.api.calls import Call
from lab.api.refusal import Refusal
from lab.model import Vpc


def refuse_second_gateway(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachInternetGateway.html"""
    vpc_id = call.parameters.get("VpcId", "")
    gateway_id = call.parameters.get("InternetGatewayId")
    if gateway_id not in account.gateways:
        return None  # moto's to refuse
    if any(vpc.id == vpc_id and vpc.gateway_id not in (None, gateway_id) for vpc in account.model.vpcs):
        return Refusal("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")
    return None


def refuse_foreign_gateway(call: Call, account: Account) -> Refusal | None:
    """A route points at the internet gateway of its own VPC.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
    """
    table_id, gateway_id = call.parameters.get("RouteTableId"), call.parameters.get("GatewayId", "")
    for vpc in account.model.vpcs:
        here = any(table.id == table_id for table in vpc.route_tables)
        # An unknown gateway is moto's to refuse.
        if here and gateway_id in account.gateways and gateway_id != vpc.gateway_id:
            message = f"route table {table_id} and network gateway {gateway_id} belong to different networks"
            return Refusal("InvalidParameterValue", message)
    return None


def refuse_address_without_gateway(call: Call, account: Account) -> Refusal | None:
    """An Elastic IP needs a VPC with a gateway.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html
    """
    target = call.parameters.get("InstanceId") or call.parameters.get("NetworkInterfaceId") or ""
    vpc = next((vpc for vpc in account.model.vpcs if vpc.interface_of(target)), None)
    if vpc and vpc.gateway_id is None:
        return Refusal("Gateway.NotAttached", f"Network {vpc.id} is not attached to any internet gateway")
    return None


def refuse_attached_interface(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkInterface.html"""
    nic_id = call.parameters.get("NetworkInterfaceId", "")
    if any(nic.id == nic_id and nic.attached for nic in account.interfaces):
        return Refusal("InvalidParameterValue", f"Network interface '{nic_id}' is currently in use.")
    return None


def refuse_foreign_group(call: Call, account: Account) -> Refusal | None:
    """Groups and subnet of a machine are of one VPC.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
    """
    prefix = "" if "SubnetId" in call.parameters else "NetworkInterface.1."
    subnet_id = call.parameters.get(f"{prefix}SubnetId", "")
    home = next((vpc for vpc in account.model.vpcs if any(one.id == subnet_id for one in vpc.subnets)), None)
    for group_id in call.many(f"{prefix}SecurityGroupId"):
        owner = _owner(group_id, account)
        if home and owner and owner.id != home.id:
            message = f"Security group {group_id} and subnet {subnet_id} belong to different networks."
            return Refusal("InvalidParameter", message)
    return None


def _owner(group_id: str, account: Account) -> Vpc | None:
    return next((vpc for vpc in account.model.vpcs if any(group.id == group_id for group in vpc.groups)), None)
