"""What EC2 refuses and moto would allow: pure questions to an account, each with its source."""

from __future__ import annotations

from collections.abc import Callable

from lab.api.account import Account
from lab.api.attachments import (
    refuse_address_without_gateway,
    refuse_attached_interface,
    refuse_foreign_gateway,
    refuse_second_gateway,
)
from lab.api.calls import Call
from lab.api.creations import refuse_group, refuse_interface, refuse_subnet, refuse_tags
from lab.api.launches import refuse_launch, refuse_start
from lab.api.lifecycle import refuse_change_of_running, refuse_pending_target, refuse_reboot, refuse_stop
from lab.api.permissions import refuse_permissions, refuse_unknown_rules
from lab.api.refusal import Refusal

Rule = Callable[[Call, Account], Refusal | None]


def refuse(call: Call, account: Account) -> Refusal | None:
    """Return why EC2 would refuse this call, or None."""
    if call.dry_run:
        return _dry_run(call) if call.mutating else None
    rule = RULES.get(call.action)
    return rule(call, account) if rule else None


def _dry_run(call: Call) -> Refusal:
    """Nothing is done, whatever the action; moto forgets that for some.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    """
    return Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def _delete_security_group(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html"""
    group_id = call.parameters.get("GroupId", "")
    groups = [group for vpc in account.model.vpcs for group in vpc.groups]
    if any(group.id == group_id and group.name == "default" for group in groups):
        return Refusal("CannotDelete", f'the specified group: "{group_id}" name: "default" cannot be deleted by a user')
    used = any(group_id in nic.group_ids for nic in account.interfaces)
    referenced = any(
        rule.group_id == group_id
        for group in groups
        if group.id != group_id
        for rule in (*group.ingress, *group.egress)
    )
    if used or referenced:
        return Refusal("DependencyViolation", f"resource {group_id} has a dependent object")
    return None


def _detach_internet_gateway(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html"""
    vpc_id = call.parameters.get("VpcId", "")
    if any(nic.public and nic.vpc_id == vpc_id for nic in account.interfaces):
        return Refusal(
            "DependencyViolation",
            f"Network {vpc_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway.",
        )
    return None


def _release_address(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html"""
    wanted = (call.parameters.get("AllocationId"), call.parameters.get("PublicIp"))
    for address in account.model.addresses:
        if address.interface_id and wanted in ((address.allocation_id, None), (None, str(address.public_ip))):
            return Refusal("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
    return None


def _delete_subnet(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html"""
    subnet_id = call.parameters.get("SubnetId", "")
    if any(nic.subnet_id == subnet_id for nic in account.interfaces):
        return Refusal("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return None


def _delete_vpc(call: Call, account: Account) -> Refusal | None:
    """moto sees subnets and route tables; gateways and groups of one's own hold a VPC too.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
    """
    vpc_id = call.parameters.get("VpcId", "")
    for vpc in account.model.vpcs:
        if vpc.id == vpc_id and (vpc.gateway_id or any(group.name != "default" for group in vpc.groups)):
            return Refusal("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    return None


def _allocate_address(_: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html#using-instance-addressing-limit"""
    if account.used["addresses"] >= account.quotas.addresses:
        return Refusal("AddressLimitExceeded", "The maximum number of addresses has been reached.")
    return None


def _associate_address(call: Call, account: Account) -> Refusal | None:
    return refuse_pending_target(call, account) or refuse_address_without_gateway(call, account)


def _create_vpc(_: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""
    if account.used["vpcs"] >= account.quotas.vpcs:
        return Refusal("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
    return None


RULES: dict[str, Rule] = {
    "AuthorizeSecurityGroupEgress": refuse_permissions,
    "AuthorizeSecurityGroupIngress": refuse_permissions,
    "AllocateAddress": _allocate_address,
    "AssociateAddress": _associate_address,
    "AttachInternetGateway": refuse_second_gateway,
    "CreateNetworkInterface": refuse_interface,
    "CreateRoute": refuse_foreign_gateway,
    "CreateSecurityGroup": refuse_group,
    "CreateSubnet": refuse_subnet,
    "CreateTags": refuse_tags,
    "CreateVpc": _create_vpc,
    "DeleteNetworkInterface": refuse_attached_interface,
    "DeleteSecurityGroup": _delete_security_group,
    "DeleteSubnet": _delete_subnet,
    "DeleteVpc": _delete_vpc,
    "DetachInternetGateway": _detach_internet_gateway,
    "ModifyInstanceAttribute": refuse_change_of_running,
    "RebootInstances": refuse_reboot,
    "ReleaseAddress": _release_address,
    "ReplaceRoute": refuse_foreign_gateway,
    "RevokeSecurityGroupEgress": refuse_unknown_rules,
    "RevokeSecurityGroupIngress": refuse_unknown_rules,
    "RunInstances": refuse_launch,
    "StartInstances": refuse_start,
    "StopInstances": refuse_stop,
}
