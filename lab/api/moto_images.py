"""Images made of machines: moto notes them, `lab.machines.snapshots` copies the disk they stand for.

moto's image carries `lab_source` (the machine) and `lab_base` (the name of the system below its disk).
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.amis import AmiBackend

from lab.api.guards import guard, refusal, replace


def mend_images() -> None:
    """Change moto's classes; call it once, before the first request."""
    guard(AmiBackend, "create_image", _can_be_made)
    original = AmiBackend.create_image

    def create_image(
        self: Any, instance_id: str, name: str, description: str, tag_specifications: list[dict[str, Any]]
    ) -> Any:
        # moto tags the image only.
        of_snapshot = [one for one in tag_specifications if one["ResourceType"] == "snapshot"]
        others = [one for one in tag_specifications if one not in of_snapshot]
        image: Any = original(self, instance_id, name, description, others)
        image.ebs_snapshot.add_tags({tag["Key"]: tag["Value"] for one in of_snapshot for tag in one["Tags"]})
        source = self.amis.get(self.get_instance(instance_id).image_id)
        image.lab_source = instance_id
        image.lab_base = getattr(source, "lab_base", None) or getattr(source, "name", "")
        image.root_device_name, image.root_device_type = getattr(source, "root_device_name", "/dev/xvda"), "ebs"
        image.state = "pending"
        return image

    replace(AmiBackend, "create_image", create_image)


def _can_be_made(self: Any, instance_id: str, name: str) -> None:
    """EC2 would stop a running machine for it; the lab leaves that to whoever wants the image."""
    if any(one.name == name and one.owner_id == self.account_id for one in self.amis.values()):
        raise refusal("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by another AMI")
    if self.get_instance(instance_id).state != "stopped":
        message = f"The lab makes images of stopped machines only: stop '{instance_id}' first."
        raise refusal("IncorrectInstanceState", message)
