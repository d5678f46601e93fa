"""Network interfaces as EC2 has them: whose they are, how many a machine takes, and addresses of their subnet.

Sources: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AvailableIpPerENI.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.instances import InstanceResponse

from lab.api.guards import guard, refusal, replace


def mend_interfaces() -> None:
    """Change moto's classes; call it once, before the first request."""
    guard(ElasticNetworkInterfaces, "create_network_interface", _groups_are_there)
    guard(ElasticNetworkInterfaces, "modify_network_interface_attribute", _groups_are_there)
    guard(InstanceResponse, "modify_instance_attribute", _groups_are_there)
    guard(NetworkInterfaceBackend, "attach_network_interface", _can_be_attached)
    guard(NetworkInterfaceBackend, "detach_network_interface", _is_not_primary)
    guard(NetworkInterfaceBackend, "unassign_private_ip_addresses", _primary_address_stays)
    _give_free_addresses()
    _assign_free_addresses()
    _change_attachments()


def _groups_are_there(self: Any) -> None:
    """moto would make a group of an id that it does not know, or none."""
    for key, value in self.querystring.items():
        if key.startswith(("SecurityGroupId.", "GroupId.")) and not self.ec2_backend.get_security_group_from_id(
            value[0]
        ):
            raise refusal("InvalidGroup.NotFound", f"The security group '{value[0]}' does not exist")


def limits(instance_type: str) -> tuple[int, int]:
    """How many interfaces a machine of the type takes, and how many addresses each of them."""
    known = INSTANCE_TYPES.get(instance_type, {}).get("NetworkInfo", {})
    return int(known.get("MaximumNetworkInterfaces", 2)), int(known.get("Ipv4AddressesPerInterface", 2))


def _can_be_attached(self: Any, eni_id: str, instance_id: str, device_index: int) -> None:
    nic, instance = self.get_network_interface(eni_id), self.get_instance(instance_id)
    if nic.status == "in-use":
        raise refusal("InvalidNetworkInterface.InUse", f"Interface: {eni_id} in use.")
    if int(device_index) in instance.nics:
        message = f"Instance '{instance_id}' already has an interface attached at device index '{device_index}'."
        raise refusal("InvalidParameterValue", message)
    if nic.subnet.availability_zone != instance.placement.zone:
        message = "You may not attach a network interface to an instance if they are not in the same availability zone"
        raise refusal("InvalidParameterCombination", message)
    most = limits(instance.instance_type)[0]
    if len(instance.nics) >= most:
        message = f"Interface count {len(instance.nics) + 1} exceeds the limit for {instance.instance_type}"
        raise refusal("AttachmentLimitExceeded", message)
    if instance.state not in ("running", "stopped"):
        raise refusal("IncorrectState", f"Instance '{instance_id}' is not 'running' or 'stopped'.")


def _is_not_primary(self: Any, attachment_id: str) -> None:
    for nic in self.enis.values():
        if nic.attachment_id == attachment_id and nic.device_index == 0:
            message = "The network interface at device index 0 cannot be detached."
            raise refusal("OperationNotPermitted", message)


def _primary_address_stays(self: Any, eni_id: str, private_ip_address: list[str] | None) -> None:
    nic = self.get_network_interface(eni_id)
    held = {one["PrivateIpAddress"] for one in nic.private_ip_addresses} - {nic.private_ip_address}
    for address in private_ip_address or []:
        if address not in held:
            message = f"Some of {address} are not assigned to interface {eni_id} as secondary addresses"
            raise refusal("InvalidParameterValue", message)


def _give_free_addresses() -> None:
    """An interface whose address nobody chose gets a free one; moto takes any."""
    create = NetworkInterfaceBackend.create_network_interface

    def create_network_interface(self: Any, subnet: Any, private_ip_address: Any, *args: Any, **kwargs: Any) -> Any:
        listed = (args and args[0]) or kwargs.get("private_ip_addresses")
        place = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        chosen: Any = private_ip_address or (not listed and place.get_available_subnet_ip(instance=None)) or None
        nic = create(self, subnet, chosen, *args, **kwargs)
        for one in nic.private_ip_addresses:
            place._subnet_ips.setdefault(one["PrivateIpAddress"], None)
        return nic

    replace(NetworkInterfaceBackend, "create_network_interface", create_network_interface)


def _assign_free_addresses() -> None:
    """Secondary addresses are of the subnet, free, and not too many.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignPrivateIpAddresses.html
    """
    original = NetworkInterfaceBackend.assign_private_ip_addresses

    def assign(self: Any, eni_id: str, private_ip_addresses: list[str] | None, secondary_ips_count: int | None) -> Any:
        nic = self.get_network_interface(eni_id)
        count = len(private_ip_addresses or []) or int(secondary_ips_count or 0)
        if nic.instance and len(nic.private_ip_addresses) + count > limits(nic.instance.instance_type)[1]:
            message = f"Number of private addresses will exceed limit for {nic.instance.instance_type}."
            raise refusal("PrivateIpAddressLimitExceeded", message)
        chosen = private_ip_addresses or [nic.subnet.get_available_subnet_ip(instance=None) for _ in range(count)]
        nic.subnet._subnet_ips.update(dict.fromkeys(chosen))
        return original(self, eni_id, chosen, None)

    replace(NetworkInterfaceBackend, "assign_private_ip_addresses", assign)


def _change_attachments() -> None:
    """Whether an interface goes with its machine can be changed.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html
    """
    original = ElasticNetworkInterfaces.modify_network_interface_attribute

    def modify(self: Any) -> Any:
        stays = self._get_param("Attachment.DeleteOnTermination")
        if stays is not None:
            nic = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
            if nic.attachment_id != self._get_param("Attachment.AttachmentId"):
                message = f"The attachment ID '{self._get_param('Attachment.AttachmentId')}' does not exist"
                raise refusal("InvalidAttachmentID.NotFound", message)
            nic.delete_on_termination = stays
        return original(self)

    replace(ElasticNetworkInterfaces, "modify_network_interface_attribute", modify)
