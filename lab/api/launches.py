"""What RunInstances and StartInstances need: a known image, key and type, a free address, and vCPUs of the quota.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address

from moto.ec2.models.instance_types import INSTANCE_TYPES

from lab.api.account import Account, standard_vcpus
from lab.api.attachments import refuse_foreign_group
from lab.api.calls import Call
from lab.api.lifecycle import refuse_unstartable
from lab.api.refusal import Refusal

DEFAULT_TYPE = "m1.small"
RESERVED_FIRST = 4  # network, router, resolver, future use; the last one is reserved too


def refuse_launch(call: Call, account: Account) -> Refusal | None:
    """The first reason why no machine is made."""
    return (
        _unknown_type(call)
        or _unknown_key(call, account)
        or _wrong_address(call, account)
        or refuse_foreign_group(call, account)
        or _over_quota(account, [_type(call)] * max(1, launch_size(call)[0]), spot=_is_spot(call))
    )


def refuse_start(call: Call, account: Account) -> Refusal | None:
    stopped = [account.machines[one] for one in call.many("InstanceId") if one in account.machines]
    types = [one.instance_type for one in stopped if one.state == "stopped" and not one.spot]
    return refuse_unstartable(call, account) or _over_quota(account, types, spot=False)


def launch_size(call: Call) -> tuple[int, int]:
    """The fewest and the most machines that the caller wants."""
    fewest = int(call.parameters.get("MinCount", "1"))
    return fewest, max(fewest, int(call.parameters.get("MaxCount", "1")))


def machines_to_launch(call: Call, account: Account) -> int:
    """As many as wanted, or as the quota leaves room for; `refuse_launch` has seen that the fewest fit."""
    fewest, most = launch_size(call)
    each = standard_vcpus([_type(call)])
    if not each or _is_spot(call):
        return most
    return max(fewest, min(most, (account.quotas.vcpus - account.used["vcpus"]) // each))


def _type(call: Call) -> str:
    return call.parameters.get("InstanceType", DEFAULT_TYPE)


def _is_spot(call: Call) -> bool:
    return call.parameters.get("InstanceMarketOptions.MarketType") == "spot"


def _unknown_type(call: Call) -> Refusal | None:
    if _type(call) in INSTANCE_TYPES:
        return None
    return Refusal("InvalidParameterValue", f"Invalid value '{_type(call)}' for InstanceType.")


def _unknown_key(call: Call, account: Account) -> Refusal | None:
    name = call.parameters.get("KeyName")
    if name is None or name in account.key_names:
        return None
    return Refusal("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def _wrong_address(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"""
    prefix = "" if "SubnetId" in call.parameters else "NetworkInterface.1."
    text, subnet_id = call.parameters.get(f"{prefix}PrivateIpAddress"), call.parameters.get(f"{prefix}SubnetId")
    subnet = next((one for vpc in account.model.vpcs for one in vpc.subnets if one.id == subnet_id), None)
    if text is None or subnet is None:
        return None
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return Refusal("InvalidParameterValue", f"Value ({text}) for parameter privateIpAddress is invalid.")
    if address not in subnet.cidr:
        return Refusal("InvalidParameterValue", "Address does not fall within the subnet's address range")
    number = int(address) - int(subnet.cidr.network_address)
    if number < RESERVED_FIRST or number == subnet.cidr.num_addresses - 1:
        return Refusal("InvalidParameterValue", "Address is in subnet's reserved address range")
    if any(nic.subnet_id == subnet_id and nic.private_ip == address for nic in account.interfaces):
        return Refusal("InvalidIPAddress.InUse", f"Address {address} is in use.")
    return None


def _over_quota(account: Account, types: list[str], *, spot: bool) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits"""
    wanted = standard_vcpus(types)
    if spot or not wanted or account.used["vcpus"] + wanted <= account.quotas.vcpus:
        return None
    return Refusal(
        "VcpuLimitExceeded",
        f"You have requested more vCPU capacity than your current vCPU limit of {account.quotas.vcpus} allows "
        "for the instance bucket that the specified instance type belongs to. "
        "Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
    )
