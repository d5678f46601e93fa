"""What RunInstances and StartInstances need: a known image, key and type, a free address, and vCPUs of the quota.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
"""

from __future__ import annotations

import base64
import re
from ipaddress import AddressValueError, IPv4Address

from moto.ec2.models.instance_types import INSTANCE_TYPES

from lab.api.account import Account, standard_vcpus
from lab.api.attachments import refuse_foreign_group
from lab.api.calls import Call
from lab.api.lifecycle import refuse_unstartable
from lab.api.refusal import Refusal

DEFAULT_TYPE = "m1.small"
ROOT_DEVICES, ROOT_GIB = ("/dev/xvda", "/dev/sda1"), 8
USER_DATA_BYTES = 16384  # before the encoding
RESERVED_FIRST = 4  # network, router, resolver, future use; the last one is reserved too


def refuse_launch(call: Call, account: Account) -> Refusal | None:
    """The first reason why no machine is made."""
    return (
        _wrong_request(call)
        or _unknown_type(call)
        or _wrong_architecture(call, account)
        or _unknown_profile(call, account)
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


def _wrong_request(call: Call) -> Refusal | None:
    """What contradicts itself, whatever there is."""
    given, (fewest, most) = (
        call.parameters,
        (call.parameters.get("MinCount", "1"), call.parameters.get("MaxCount", "1")),
    )
    if "ImageId" not in given and not any(key.startswith("LaunchTemplate.") for key in given):
        return Refusal("MissingParameter", "The request must contain the parameter ImageId")
    if not (fewest.isdigit() and most.isdigit() and 1 <= int(fewest) <= int(most)):
        message = (
            f"Value ({most}) for parameter maxCount is invalid. It must be at least minCount, and that at least 1."
        )
        return Refusal("InvalidParameterValue", message)
    if "PrivateIpAddress" in given and int(most) > 1:
        message = "A specific private address cannot be given to more than one instance."
        return Refusal("InvalidParameterCombination", message)
    if any(key.startswith("NetworkInterface.") for key in given):
        for name, what in (("SecurityGroup", "security groups"), ("SubnetId", "subnet ID"), ("PrivateIpA", "address")):
            if any(key.startswith(name) for key in given):
                message = f"Network interfaces and an instance-level {what} may not be specified on the same request"
                return Refusal("InvalidParameterCombination", message)
    for key, size in given.items():
        disk = re.match(r"(BlockDeviceMapping\.\d+\.)Ebs\.VolumeSize$", key)
        if disk and given.get(f"{disk[1]}DeviceName") in ROOT_DEVICES and int(size) < ROOT_GIB:
            message = f"Volume of size {size}GB is smaller than snapshot of the image, expect size>= {ROOT_GIB}GB"
            return Refusal("InvalidBlockDeviceMapping", message)
    if len(base64.b64decode(given.get("UserData", ""))) > USER_DATA_BYTES:
        return Refusal("InvalidParameterValue", f"User data is limited to {USER_DATA_BYTES} bytes")
    return None


def _wrong_architecture(call: Call, account: Account) -> Refusal | None:
    built = account.architectures.get(call.parameters.get("ImageId", ""))
    runs = INSTANCE_TYPES[_type(call)].get("ProcessorInfo", {}).get("SupportedArchitectures", [])
    if built is None or not runs or built in runs:
        return None
    message = f"The architecture '{runs[0]}' of the specified instance type does not match the architecture '{built}' "
    return Refusal("InvalidParameterValue", f"{message}of the specified AMI.")


def _unknown_profile(call: Call, account: Account) -> Refusal | None:
    for key, kind in (("Name", "name"), ("Arn", "arn")):
        value = call.parameters.get(f"IamInstanceProfile.{key}")
        if value and value.rpartition("/")[2] not in account.profiles:
            message = f"Value ({value}) for parameter iamInstanceProfile.{kind} is invalid. "
            return Refusal("InvalidParameterValue", f"{message}Invalid IAM Instance Profile {kind}")
    return None


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
    prefix = "" if "SubnetId" in call.parameters else "NetworkInterface.1."
    wanted, subnet_id = call.parameters.get(f"{prefix}PrivateIpAddress"), call.parameters.get(f"{prefix}SubnetId")
    return refuse_address(wanted, subnet_id, account)


def refuse_address(text: str | None, subnet_id: str | None, account: Account) -> Refusal | None:
    """An address of the subnet that is free and not AWS's own.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
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
    if any(nic.subnet_id == subnet_id and address in nic.addresses for nic in account.interfaces):
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
