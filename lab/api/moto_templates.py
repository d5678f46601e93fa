"""What moto leaves out of launch templates, or puts into them: spot, tags, and versions that go while others stay.

Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RequestLaunchTemplateData.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html
"""

from __future__ import annotations

import functools
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.responses.launch_templates import LaunchTemplates

from lab.api.guards import replace


def mend_templates() -> None:
    """Change moto's classes; call it once, before the first request."""
    _launch_for_spot()
    replace(LaunchTemplate, "create_version", _create_version)
    replace(LaunchTemplate, "get_version", _get_version)
    replace(LaunchTemplate, "default_version", lambda self: _get_version(self, self.default_version_number))
    replace(LaunchTemplates, "delete_launch_template_versions", _delete_versions)


def _create_version(self: LaunchTemplate, data: dict[str, Any], description: str) -> LaunchTemplateVersion:
    """The tags of the template itself stand beside its data, and not in the first version of them."""
    tags = [one for one in data.pop("TagSpecifications", []) if one["ResourceType"] != "launch-template"]
    data = data | ({"TagSpecifications": tags} if tags else {})
    number = max((one.number for one in self.versions), default=0) + 1
    self.versions.append(LaunchTemplateVersion(self, number, data, description))
    return self.versions[-1]


def _get_version(self: LaunchTemplate, num: Any) -> LaunchTemplateVersion:
    wanted = {"$latest": self.versions[-1].number, "$default": self.default_version_number}.get(str(num).lower(), num)
    for one in self.versions:
        if str(one.number) == str(wanted):
            return one
    raise InvalidLaunchTemplateVersionNotFound(template_id=self.id, version=num)


def _delete_versions(self: Any) -> ActionResult:
    name, template_id = self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId")
    backend = self.ec2_backend
    template = backend.get_launch_template_by_name(name) if name else backend.get_launch_template(template_id)
    gone, kept = [], []
    for number in map(int, self._get_param("Versions", [])):
        told = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": number}
        if number == template.default_version_number:
            said = {"Code": "unexpectedError", "Message": f"Version {number} is the default version."}
            kept.append(told | {"ResponseError": said})
        elif number not in [one.number for one in template.versions]:
            said = {"Code": "launchTemplateVersionDoesNotExist", "Message": f"There is no version {number}."}
            kept.append(told | {"ResponseError": said})
        else:
            template.versions = [one for one in template.versions if one.number != number]
            gone.append(told)
    answer = {
        "SuccessfullyDeletedLaunchTemplateVersions": gone,
        "UnsuccessfullyDeletedLaunchTemplateVersions": kept,
    }
    return ActionResult(answer)


def _launch_for_spot() -> None:
    run = InstanceBackend.run_instances

    @functools.wraps(run)
    def run_from_template(self: InstanceBackend, *arguments: Any, **given: Any) -> Any:
        if template := given.get("launch_template"):
            data = self._get_template_from_args(template).data
            given["instance_market_options"] = given.get("instance_market_options") or data.get("InstanceMarketOptions")
        return run(self, *arguments, **given)

    replace(InstanceBackend, "run_instances", run_from_template)
