"""Where moto 5.2.5 answers unlike EC2 and the answer can be mended in its classes. One function per difference.

Each `type: ignore` is the replacing itself: mypy forbids to assign to a method, and that is what is meant.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

from moto import settings
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.key_pairs import KeyPairBackend
from moto.ec2.models.route_tables import Route
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE

from lab.api.guards import refusal, replace
from lab.api.moto_acls import mend_acls
from lab.api.moto_addresses import mend_addresses
from lab.api.moto_endpoints import mend_endpoints
from lab.api.moto_filters import mend_filters
from lab.api.moto_images import mend_images
from lab.api.moto_instances import mend_instances
from lab.api.moto_interfaces import mend_interfaces
from lab.api.moto_routes import mend_routes
from lab.api.moto_states import mend_states
from lab.api.moto_templates import mend_templates
from lab.api.moto_volumes import mend_volumes
from lab.api.pace import Pace
from lab.config import LabConfig
from lab.observe import ec2_backend

# The first addresses of the pool are the lab's own: its internet, the operator.
FIRST_PUBLIC_HOST = 16


def apply_fixes(config: LabConfig, pace: Pace) -> None:
    """Mend moto's classes; call it once, before the first request."""
    _give_addresses_from(config.pool, config.s3_network)
    _put_s3_into_the_lab(config.s3_network)
    _delete_primary_interface_with_its_instance()
    _share_source_dest_check()
    _report_routes_by_interface()
    _confirm_changed_descriptions()
    _name_resource_types_as_ec2()
    _know_the_images()
    _give_addresses_to_vpcs()
    _keep_metadata_options()
    _refuse_bad_keys()
    mend_acls()
    mend_addresses()
    mend_endpoints()
    mend_filters()
    mend_images()
    mend_instances()
    mend_interfaces()
    mend_routes()
    mend_volumes()
    mend_templates()
    mend_states(pace)


def _give_addresses_from(pool: IPv4Network, s3_network: IPv4Network) -> None:
    """moto gives Elastic IPs out of 127.0.0.0/8 and public ones out of somebody's real network."""

    def next_address() -> str:
        backend = ec2_backend()
        nics = (nic for nic in backend.enis.values() if nic.public_ip)
        taken = {one.public_ip for one in backend.addresses} | {nic.public_ip for nic in nics}
        hosts = (str(host) for host in pool.hosts() if host >= pool[FIRST_PUBLIC_HOST] and host not in s3_network)
        return next(host for host in hosts if host not in taken)

    elastic_ip_addresses.random_ip = next_address
    elastic_network_interfaces.random_public_ip = next_address


def _put_s3_into_the_lab(s3_network: IPv4Network) -> None:
    """The prefix list of S3 names the lab's own stand-in instead of Amazon's real addresses.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html
    """
    backend = ec2_backend()
    for one in backend.managed_prefix_lists.values():
        if one.prefix_list_name == f"com.amazonaws.{backend.region_name}.s3":
            one.entries = {one.version: [{"Cidr": str(s3_network), "Description": "default"}]}


def _delete_primary_interface_with_its_instance() -> None:
    """An interface that was made with the instance goes with it.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
    """
    original = Instance.prep_nics

    def prep_nics(self: Instance, nic_spec: list[dict[str, Any]], *args: Any, **kwargs: Any) -> None:
        original(self, nic_spec, *args, **kwargs)
        brought = {nic.get("NetworkInterfaceId") for nic in nic_spec}
        for nic in self.nics.values():
            if nic.id not in brought:
                nic.delete_on_termination = True

    Instance.prep_nics = prep_nics  # type: ignore[method-assign]


def _share_source_dest_check() -> None:
    """The instance's attribute is that of its primary interface.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceAttribute.html
    """

    def read(self: Any) -> bool:
        nics = self.__dict__.get("nics")
        return bool(nics[0].source_dest_check) if nics else True

    def write(self: Any, value: Any) -> None:
        for nic in list(self.__dict__.get("nics", {}).values())[:1]:
            nic.source_dest_check = str(value).lower() == "true"

    Instance.source_dest_check = property(read, write)  # type: ignore[assignment]


def _report_routes_by_interface() -> None:
    """A route to an instance also names its interface, and is a black hole when its target is gone.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
    """

    def interface_id(self: Any) -> str | None:
        if self.interface:
            return str(self.interface.id)
        nics = getattr(self.instance, "nics", None)
        return str(nics[0].id) if nics else None

    def state(self: Any) -> str:
        instance = self.instance or (self.interface and self.interface.instance)
        dead = instance is not None and instance.state not in ("pending", "running")
        orphaned = self.interface is not None and self.interface.instance is None
        closed = self.nat_gateway is not None and self.nat_gateway.state in ("deleting", "deleted", "failed")
        # An internet gateway that was detached; other gateways have no VPC of their own.
        detached = self.gateway is not None and getattr(self.gateway, "vpc", self) is None
        return "blackhole" if dead or orphaned or closed or detached else "active"

    Route.network_interface_id = property(interface_id)  # type: ignore[method-assign, assignment]
    Route.state = property(state)  # type: ignore[method-assign, assignment]


def _name_resource_types_as_ec2() -> None:
    """Tags are looked for by EC2's names of resource types; with moto's own, modules see none and set them anew.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TagSpecification.html
    """
    EC2_PREFIX_TO_RESOURCE.update({"eipalloc": "elastic-ip", "nat": "natgateway", "fl": "vpc-flow-log"})


def _know_the_images() -> None:
    """An image that is not there is InvalidAMIID.NotFound; moto looks only when told to."""
    settings.ENABLE_AMI_VALIDATION = True


def _give_addresses_to_vpcs() -> None:
    """Every Elastic IP is one for VPCs since EC2-Classic is gone, whatever the caller says.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html
    """
    original = elastic_ip_addresses.ElasticAddressBackend.allocate_address

    def allocate_address(self: Any, domain: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, "vpc", *args, **kwargs)

    elastic_ip_addresses.ElasticAddressBackend.allocate_address = allocate_address  # type: ignore[method-assign]


def _keep_metadata_options() -> None:
    """What a change of metadata options does not name stays as it is.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html
    """
    original = InstanceBackend.modify_instance_metadata_options
    names = (
        "http_tokens",
        "http_put_response_hop_limit",
        "http_endpoint",
        "http_protocol_ipv6",
        "instance_metadata_tags",
    )

    def modify(self: Any, instance_id: str, *args: Any, **kwargs: Any) -> Any:
        before = self.get_instance(instance_id).metadata_options
        after = original(self, instance_id, *args, **kwargs)
        given = inspect.signature(original).bind(self, instance_id, *args, **kwargs).arguments
        said = ("http_tokens", "hop_limit", "http_endpoint", "http_protocol", "metadata_tags")
        for name, argument in zip(names, said, strict=True):
            if given.get(argument) is None:
                setattr(after, name, getattr(before, name))
        return after

    replace(InstanceBackend, "modify_instance_metadata_options", modify)


def _refuse_bad_keys() -> None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html"""
    original = KeyPairBackend.import_key_pair

    def import_key_pair(self: Any, key_name: str, public_key_material: bytes, tags: dict[str, str]) -> Any:
        try:
            return original(self, key_name, public_key_material, tags)
        except EC2ClientError:
            raise
        except Exception as error:  # whatever the parser stumbles over, the key is none
            raise refusal("InvalidKey.Format", "Key is not in valid OpenSSH public key format") from error

    replace(KeyPairBackend, "import_key_pair", import_key_pair)


def _confirm_changed_descriptions() -> None:
    """A changed description is answered with Return, without which amazon.aws gives up.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html
    """

    def confirmed(original: Callable[[Any], Any]) -> Callable[[Any], ActionResult]:
        def answer(self: Any) -> ActionResult:
            original(self)
            return ActionResult({"Return": True})

        return answer

    for direction in ("ingress", "egress"):
        name = f"update_security_group_rule_descriptions_{direction}"
        setattr(SecurityGroups, name, confirmed(getattr(SecurityGroups, name)))
