"""Read from moto what one instance may know about itself; like observe, one of the few that know moto from inside."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.config import ACCOUNT, REGION
from lab.machines.interruption import Interruptions
from lab.observe import ec2_backend
from lab.services.metadata import Facts


def is_spot(instance_id: str, region: str = REGION) -> bool:
    """Whether the instance was launched as a spot instance."""
    return bool(ec2_backend(region).get_instance(instance_id).lifecycle == "spot")


def facts_at(vpc_id: str, interruptions: Interruptions, private_ip: str, region: str = REGION) -> Facts | None:
    """The facts of the instance with that address in that VPC; None if there is none or it wants no metadata."""
    backend = ec2_backend(region)
    instances = [one for reservation in list(backend.reservations.values()) for one in reservation.instances]
    found = next((one for one in instances if one.vpc_id == vpc_id and one.private_ip == private_ip), None)
    if found is None or found.state == "terminated" or found.metadata_options.http_endpoint == "disabled":
        return None
    options = found.metadata_options
    return Facts(
        categories=_categories(backend, found, region) | interruptions.categories(found.id),
        document=_document(found, region),
        tokens_required=options.http_tokens == "required",
        hop_limit=int(options.http_put_response_hop_limit or 1),
    )


def _categories(backend: Any, one: Any, region: str) -> dict[str, str]:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata-categories.html"""
    nic = one.nics[0]
    found = {
        "ami-id": one.image_id,
        "ami-launch-index": str(one.ami_launch_index),
        "hostname": one.private_dns_name,
        "instance-id": one.id,
        "instance-life-cycle": one.lifecycle or "on-demand",
        "instance-type": one.instance_type,
        "local-hostname": one.private_dns_name,
        "local-ipv4": one.private_ip,
        "mac": nic.mac_address,
        "placement/availability-zone": one.placement.zone,
        "placement/region": region,
        "security-groups": "\n".join(sorted(group.name for group in nic.group_set)),
        f"network/interfaces/macs/{nic.mac_address}/interface-id": nic.id,
        f"network/interfaces/macs/{nic.mac_address}/local-ipv4s": one.private_ip,
        f"network/interfaces/macs/{nic.mac_address}/subnet-id": nic.subnet_id,
        f"network/interfaces/macs/{nic.mac_address}/vpc-id": nic.vpc_id,
    }
    if one.public_ip:
        found |= {"public-ipv4": one.public_ip, "public-hostname": one.public_dns_name}
    if profile := backend.iam_instance_profile_associations.get(one.id):
        for role in profile.iam_instance_profile.roles:
            found[f"iam/security-credentials/{role.name}"] = _credentials()
    if pair := backend.key_pairs.get(one.key_name):
        found["public-keys/0/openssh-key"] = pair.public_key.strip()
    return found


def _credentials() -> str:
    """Those of a role. The lab looks at nobody's, so any will do.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
    """
    now = datetime.now(UTC)
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "Type": "AWS-HMAC",
            "AccessKeyId": "onebox-lab-machine-access-key",
            "SecretAccessKey": "onebox-lab-machine-secret-access-key",
            "Token": "onebox-lab-machine-token",
            "Expiration": f"{now + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}",
        }
    )


def _document(one: Any, region: str) -> dict[str, str]:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html"""
    return {
        "accountId": ACCOUNT,
        "architecture": one.architecture,
        "availabilityZone": one.placement.zone,
        "imageId": one.image_id,
        "instanceId": one.id,
        "instanceType": one.instance_type,
        "privateIp": one.private_ip,
        "region": region,
        "version": "2017-09-30",
    }
