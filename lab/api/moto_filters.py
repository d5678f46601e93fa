"""Filters of DescribeInstances that moto lacks, with EC2's wildcards; and an error for what is no filter.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from moto.ec2 import utils
from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces, subnets

from lab.api.guards import refusal, replace

Values = Callable[[Any], Iterable[object]]


def _of_nics(read: Values) -> Values:
    return lambda one: [value for nic in one.nics.values() for value in read(nic)]


def _of_groups(one: Any) -> list[Any]:
    return [*one.security_groups, *(group for nic in one.nics.values() for group in nic.group_set)]


def _of_disks(read: Values) -> Values:
    return lambda one: [value for item in one.block_device_mapping.items() for value in read(item)]


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


INSTANCE: dict[str, Values] = {
    "architecture": lambda one: [one.architecture],
    "availability-zone": lambda one: [one.placement.zone],
    "block-device-mapping.delete-on-termination": _of_disks(lambda item: [bool(item[1].delete_on_termination)]),
    "block-device-mapping.device-name": _of_disks(lambda item: [item[0]]),
    "block-device-mapping.status": _of_disks(lambda item: ["attached"]),
    "block-device-mapping.volume-id": _of_disks(lambda item: [item[1].volume_id]),
    "client-token": lambda one: [one.client_token or ""],
    "dns-name": lambda one: [one.public_dns_name or ""],
    "group-id": lambda one: [group.id for group in _of_groups(one)],
    "group-name": lambda one: [group.name for group in _of_groups(one)],
    "hypervisor": lambda one: [one.hypervisor],
    "image-id": lambda one: [one.image_id],
    "instance-id": lambda one: [one.id],
    "instance-lifecycle": lambda one: [one.lifecycle] if one.lifecycle else [],
    "instance-state-code": lambda one: [one.state_code],
    "instance-state-name": lambda one: [one.state],
    "instance-type": lambda one: [one.instance_type],
    "instance.group-id": lambda one: [group.id for group in _of_groups(one)],
    "instance.group-name": lambda one: [group.name for group in _of_groups(one)],
    "ip-address": lambda one: [one.public_ip] if one.public_ip else [],
    "kernel-id": lambda one: [one.kernel_id] if one.kernel_id else [],
    "key-name": lambda one: [one.key_name] if one.key_name else [],
    "launch-index": lambda one: [one.ami_launch_index],
    "launch-time": lambda one: [one.launch_time.strftime("%Y-%m-%dT%H:%M:%S.000Z")],
    "metadata-options.http-endpoint": lambda one: [one.metadata_options.http_endpoint],
    "metadata-options.http-tokens": lambda one: [one.metadata_options.http_tokens],
    "monitoring-state": lambda one: [one.monitoring_state],
    "network-interface.addresses.association.public-ip": _of_nics(lambda nic: [nic.public_ip] if nic.public_ip else []),
    "network-interface.addresses.private-ip-address": _of_nics(
        lambda nic: [one["PrivateIpAddress"] for one in nic.private_ip_addresses]
    ),
    "network-interface.association.public-ip": _of_nics(lambda nic: [nic.public_ip] if nic.public_ip else []),
    "network-interface.attachment.device-index": _of_nics(lambda nic: [nic.device_index]),
    "network-interface.description": _of_nics(lambda nic: [nic.description]),
    "network-interface.group-id": lambda one: [group.id for group in _of_groups(one)],
    "network-interface.group-name": lambda one: [group.name for group in _of_groups(one)],
    "network-interface.mac-address": _of_nics(lambda nic: [nic.mac_address]),
    "network-interface.network-interface-id": _of_nics(lambda nic: [nic.id]),
    "network-interface.private-dns-name": lambda one: [one.private_dns_name],
    "network-interface.private-ip-address": _of_nics(lambda nic: [nic.private_ip_address]),
    "network-interface.source-dest-check": _of_nics(lambda nic: [bool(nic.source_dest_check)]),
    "network-interface.status": _of_nics(lambda nic: [nic.status]),
    "network-interface.subnet-id": _of_nics(lambda nic: [nic.subnet_id]),
    "network-interface.vpc-id": _of_nics(lambda nic: [nic.vpc_id]),
    "owner-id": lambda one: [one.owner_id],
    "private-dns-name": lambda one: [one.private_dns_name],
    "private-ip-address": lambda one: [one.private_ip],
    "product-code": lambda one: one.product_codes,
    "reason": lambda one: [one._reason],
    "reservation-id": lambda one: [
        all_of.id for all_of in one.ec2_backend.reservations.values() if any(own is one for own in all_of.instances)
    ],
    "root-device-name": lambda one: [one.root_device_name],
    "root-device-type": lambda one: [one.root_device_type],
    "source-dest-check": lambda one: [bool(one.source_dest_check)],
    "state-reason-code": lambda one: [one.state_reason.code] if one.state_reason else [],
    "subnet-id": lambda one: [one.subnet_id],
    "tenancy": lambda one: [one.placement.tenancy],
    "virtualization-type": lambda one: [one.virtualization_type],
    "vpc-id": lambda one: [one.vpc_id],
}

ADDRESS: dict[str, Values] = {
    "network-interface-owner-id": lambda one: [one.network_interface_owner_id or ""],
}

INTERFACE: dict[str, Values] = {
    "addresses.private-ip-address": lambda nic: [one["PrivateIpAddress"] for one in nic.private_ip_addresses],
    "addresses.association.public-ip": lambda nic: [nic.public_ip] if nic.public_ip else [],
    "association.public-ip": lambda nic: [nic.public_ip] if nic.public_ip else [],
    "association.allocation-id": lambda nic: [one] if (one := nic.association.get("allocationId")) else [],
    "association.association-id": lambda nic: [one] if (one := nic.association.get("associationId")) else [],
    "attachment.delete-on-termination": lambda nic: [bool(nic.delete_on_termination)] if nic.attachment_id else [],
    "attachment.device-index": lambda nic: [nic.device_index] if nic.attachment_id else [],
    "attachment.status": lambda nic: ["attached" if nic.attachment_id else "detached"],
    "group-id": lambda nic: [group.id for group in nic.group_set],
    "group-name": lambda nic: [group.name for group in nic.group_set],
    "requester-managed": lambda nic: [bool(nic.requester_managed)],
    "source-dest-check": lambda nic: [bool(nic.source_dest_check)],
}  # fmt: skip

SUBNET: dict[str, Values] = {
    "ipv6-cidr-block-association.association-id": lambda one: list(one.ipv6_cidr_block_associations),
    "ipv6-cidr-block-association.ipv6-cidr-block": lambda one: [
        each["ipv6CidrBlock"] for each in one.ipv6_cidr_block_associations.values()
    ],
    "ipv6-cidr-block-association.state": lambda one: [
        each["ipv6CidrBlockState"]["State"] for each in one.ipv6_cidr_block_associations.values()
    ],
}


def mend_filters() -> None:
    """Change moto; call it once, before the first request."""
    utils.passes_filter_dict = _passes  # type: ignore[assignment]  # its second argument has another name
    _extend(elastic_ip_addresses.ElasticAddress, ADDRESS)
    _extend(subnets.Subnet, SUBNET)
    _extend(elastic_network_interfaces.NetworkInterface, INTERFACE)


def _passes(instance: Any, filters: dict[str, list[str]]) -> bool:
    """Whether an instance has one of the values of every filter."""
    for name, patterns in filters.items():
        if utils.is_tag_filter(name):
            if not utils.tag_filter_matches(instance, name, patterns):
                return False
            continue
        if name not in INSTANCE:
            raise refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
        values = [_as_text(value) for value in INSTANCE[name](instance)]
        if not any(fnmatchcase(value, pattern) for value in values for pattern in patterns):
            return False
    return True


def _extend(owner: type, table: dict[str, Values]) -> None:
    original = owner.get_filter_value  # type: ignore[attr-defined]  # every taggable class of moto has it

    def get_filter_value(self: Any, name: str, method: str | None = None) -> Any:
        if name in table:
            return [_as_text(value) for value in table[name](self)]
        return original(self, name, method)

    replace(owner, "get_filter_value", get_filter_value)
