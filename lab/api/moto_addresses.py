"""Elastic IPs as EC2 has them: each is for one private address, and leaves the one before when it moves.

`nic.public_ip` is the public address of the primary private one; `address.lab_private` names a secondary one.
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_ip_addresses import ElasticAddress, ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses

from lab.api.guards import guard, refusal, replace
from lab.api.moto_routes import refuse_ambiguous
from lab.observe import secondary_of


def mend_addresses() -> None:
    """Change moto's classes; call it once, before the first request."""
    _know_private_address()
    _associate_with_one()
    _disassociate_from_its_own()
    _go_with_interface()
    guard(ElasticIPAddresses, "disassociate_address", _is_not_of_gateway)


def _know_private_address() -> None:
    replace(ElasticAddress, "lab_private", None)

    def private(self: Any) -> Any:
        return self.lab_private or (self.eni.private_ip_address if self.eni else None)

    def machine(self: Any) -> Any:
        return self.eni.instance if self.eni else None

    def listed(self: Any) -> list[dict[str, Any]]:
        """DescribeInstances and DescribeNetworkInterfaces show the association beside each private address."""
        rows, secondary = [], secondary_of(self)
        for one in self.private_ip_addresses:
            address = one["PrivateIpAddress"]
            row = {**one, "Primary": address == self.private_ip_address}
            if row["Primary"] and self.public_ip:
                row["Association"] = self.association
            if eip := secondary.get(address):
                row["Association"] = {
                    "AllocationId": eip.allocation_id,
                    "AssociationId": eip.association_id,
                    "PublicIp": eip.public_ip,
                    "IpOwnerId": self.owner_id,
                }
            rows.append(row)
        return rows

    replace(ElasticAddress, "private_ip_address", property(private))
    replace(ElasticAddress, "instance", property(machine, lambda self, value: None))
    replace(NetworkInterface, "instance_private_ip_address_list", property(listed))
    replace(NetworkInterface, "network_interface_private_ip_address_list", property(listed))


def _associate_with_one() -> None:
    associate = ElasticAddressBackend.associate_address

    def associate_address(self: Any, instance: Any = None, eni: Any = None, *args: Any, **kwargs: Any) -> Any:
        private = kwargs.pop("lab_private", None)
        if instance is not None and eni is None:
            refuse_ambiguous(instance)
        nic = eni or instance.nics[0]
        secondary = private if private not in (None, nic.private_ip_address) else None
        if secondary and secondary not in {one["PrivateIpAddress"] for one in nic.private_ip_addresses}:
            message = f"The private address {secondary} is not assigned to interface {nic.id}"
            raise refusal("InvalidParameterValue", message)
        (eip,) = (
            self.address_by_ip([kwargs["address"]])
            if kwargs.get("address")
            else self.address_by_allocation([kwargs["allocation_id"]])
        )
        holder = next((one for one in self.addresses if one.eni is nic and one.lab_private == secondary), None)
        if not kwargs.get("reassociate") and (eip.eni not in (None, nic) or holder not in (None, eip)):
            raise refusal("Resource.AlreadyAssociated", f"resource {eip.allocation_id} is already associated")
        for one in {eip, holder} - {None}:
            if one.eni is not None:
                self.disassociate_address(address=one.public_ip)
        kept = nic.public_ip
        made = associate(self, instance, eni, *args, **{**kwargs, "reassociate": True})
        eip.lab_private = secondary
        if secondary:
            nic.public_ip = kept
        return made

    respond = ElasticIPAddresses.associate_address

    def answer(self: Any) -> Any:
        """moto's answer does not hand the private address on."""
        backend, private = self.ec2_backend, self._get_param("PrivateIpAddress")
        if private is None:
            return respond(self)
        backend.associate_address = lambda *args, **kwargs: type(backend).associate_address(
            backend, *args, **kwargs, lab_private=private
        )
        try:
            return respond(self)
        finally:
            del backend.associate_address

    replace(ElasticAddressBackend, "associate_address", associate_address)
    replace(ElasticIPAddresses, "associate_address", answer)


def _disassociate_from_its_own() -> None:
    original = ElasticAddressBackend.disassociate_address

    def disassociate_address(self: Any, address: str | None = None, association_id: str | None = None) -> None:
        (eip,) = self.address_by_ip([address]) if address else self.address_by_association([association_id])
        nic, secondary = eip.eni, eip.lab_private
        kept = nic.public_ip if nic else None
        original(self, address, association_id)
        eip.lab_private = None
        if nic and secondary:
            nic.public_ip = kept

    replace(ElasticAddressBackend, "disassociate_address", disassociate_address)


def _go_with_interface() -> None:
    """An interface that is deleted, or a secondary address that is taken away, lets its Elastic IP go."""
    delete = NetworkInterfaceBackend.delete_network_interface
    unassign = NetworkInterfaceBackend.unassign_private_ip_addresses

    def delete_network_interface(self: Any, eni_id: str) -> None:
        for eip in [one for one in self.addresses if one.eni and one.eni.id == eni_id]:
            self.disassociate_address(address=eip.public_ip)
        nic = self.enis.get(eni_id)
        delete(self, eni_id)
        for one in nic.private_ip_addresses:
            nic.subnet.del_subnet_ip(one["PrivateIpAddress"])

    def unassign_private_ip_addresses(self: Any, eni_id: str, private_ip_address: list[str] | None = None) -> Any:
        nic = self.get_network_interface(eni_id)
        for private, eip in secondary_of(nic).items():
            if private in (private_ip_address or []):
                self.disassociate_address(address=eip.public_ip)
        for address in private_ip_address or []:
            nic.subnet.del_subnet_ip(address)
        return unassign(self, eni_id, private_ip_address)

    replace(NetworkInterfaceBackend, "delete_network_interface", delete_network_interface)
    replace(NetworkInterfaceBackend, "unassign_private_ip_addresses", unassign_private_ip_addresses)


def _is_not_of_gateway(self: Any) -> None:
    """What a NAT gateway holds is not the caller's to take.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html
    """
    association = self._get_param("AssociationId")
    for one in self.ec2_backend.addresses:
        if association and one.association_id == association and one.eni and one.eni.interface_type == "nat_gateway":
            raise refusal("AuthFailure", "You do not have permission to access the specified resource.")
