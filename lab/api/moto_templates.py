"""What moto leaves out of a launch template: a machine that is launched from one for spot is a spot instance.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RequestLaunchTemplateData.html
"""

from __future__ import annotations

import functools
from typing import Any

from moto.ec2.models.instances import InstanceBackend


def mend_templates() -> None:
    run = InstanceBackend.run_instances

    @functools.wraps(run)
    def run_from_template(self: InstanceBackend, *arguments: Any, **given: Any) -> Any:
        if template := given.get("launch_template"):
            data = self._get_template_from_args(template).data
            given["instance_market_options"] = given.get("instance_market_options") or data.get("InstanceMarketOptions")
        return run(self, *arguments, **given)

    InstanceBackend.run_instances = run_from_template  # type: ignore[method-assign]  # The replacing itself.
