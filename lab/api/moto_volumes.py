"""Volumes as EC2 has them: attached once, in their own zone, and only growing.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import EBSBackend, Volume, VolumeAttachment
from moto.ec2.models.instances import Instance
from moto.ec2.responses.elastic_block_store import ElasticBlockStore

from lab.api.guards import guard, refusal, replace

ROOT_GIB = 8
GP3_THROUGHPUT = 125  # https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html


def mend_volumes() -> None:
    """Change moto's classes; call it once, before the first request."""
    guard(ElasticBlockStore, "create_volume", _zone_is_there)
    guard(EBSBackend, "attach_volume", _can_be_attached)
    guard(EBSBackend, "modify_volume", _grows)
    _detach_from_whom_it_has()
    _name_root_device()
    _tell_all()
    replace(Ami, "block_device_mappings", property(_image_devices))
    replace(VolumeAttachment, "delete_on_termination", property(_goes_with_machine))


def _zone_is_there(self: Any) -> None:
    zone_name = self._get_param("AvailabilityZone")
    if zone_name not in {zone.name for zone in self.ec2_backend.describe_availability_zones()}:
        raise refusal("InvalidZone.NotFound", f"The zone '{zone_name}' does not exist.")


def _can_be_attached(self: Any, volume_id: str, instance_id: str, device_path: str) -> None:
    volume, instance = self.get_volume(volume_id), self.get_instance(instance_id)
    if volume.attachment:
        raise refusal("VolumeInUse", f"{volume_id} is already attached to an instance")
    if device_path in instance.block_device_mapping:
        message = f"Invalid value '{device_path}' for unixDevice. Attachment point {device_path} is already in use"
        raise refusal("InvalidParameterValue", message)
    if volume.zone.name != instance.placement.zone:
        message = f"The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'"
        raise refusal("InvalidVolume.ZoneMismatch", message)
    if instance.state not in ("pending", "running", "stopping", "stopped"):
        raise refusal("IncorrectState", f"Instance '{instance_id}' is not 'running'.")


def _is_attached(self: Any, volume_id: str) -> None:
    if self.get_volume(volume_id).attachment is None:
        raise refusal("IncorrectState", f"Volume '{volume_id}' is in the 'available' state.")


def _grows(self: Any, volume_id: str, target_size: int | None) -> None:
    if target_size is not None and int(target_size) < self.get_volume(volume_id).size:
        message = "New size cannot be smaller than existing size"
        raise refusal("InvalidParameterValue", message)


def _goes_with_machine(self: Any) -> bool:
    mapped = self.instance.block_device_mapping.get(self.device)
    return bool(mapped and mapped.delete_on_termination)


def _image_devices(self: Any) -> list[dict[str, Any]]:
    """As Debian's own images have it: https://wiki.debian.org/Cloud/AmazonEC2Image"""
    disk = {"SnapshotId": self.ebs_snapshot.id, "VolumeSize": ROOT_GIB, "VolumeType": "gp3", "Encrypted": False}
    return [{"DeviceName": self.root_device_name, "Ebs": disk | {"DeleteOnTermination": True}}]


def _detach_from_whom_it_has() -> None:
    """Who detaches need not name the instance."""
    original = EBSBackend.detach_volume

    def detach_volume(self: Any, volume_id: str, instance_id: str | None, device_path: str) -> Any:
        return original(self, volume_id, instance_id or self.get_volume(volume_id).attachment.instance.id, device_path)

    replace(EBSBackend, "detach_volume", detach_volume)
    guard(EBSBackend, "detach_volume", _is_attached)


def _name_root_device() -> None:
    """The root volume hangs where the image says; moto always says /dev/sda1."""

    def setup_defaults(self: Any) -> None:
        volume = self.ec2_backend.create_volume(size=ROOT_GIB, zone_name=self._placement.zone, volume_type="gp3")
        self.ec2_backend.attach_volume(volume.id, self.id, self.root_device_name, True)

    replace(Instance, "setup_defaults", setup_defaults)


def _tell_all() -> None:
    """What EC2 tells of every volume, and amazon.aws reads unasked."""
    original = Volume.__init__

    def create(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if self.volume_type == "gp3" and self.throughput is None:
            self.throughput = GP3_THROUGHPUT
        self.multi_attach_enabled = bool(self.multi_attach_enabled)
        self.snapshot_id = self.snapshot_id or ""

    replace(Volume, "__init__", create)
