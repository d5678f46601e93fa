"""Instances as EC2 has them: their groups are those of the primary interface, and the terminated ones are bare.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance
from moto.ec2.responses.instances import InstanceResponse

from lab.api.guards import replace

GONE_WITH_IT: dict[str, Any] = {
    "network_interfaces": [], "private_ip_address": None, "public_ip_address": None, "subnet_id": None, "vpc_id": None,
}  # fmt: skip


def mend_instances() -> None:
    """Change moto's classes; call it once, before the first request."""
    _share_groups()
    _bare_the_terminated()
    for name, state in (("monitor_instances", "enabled"), ("unmonitor_instances", "disabled")):
        replace(InstanceResponse, name, _monitoring(state))


def _share_groups() -> None:
    """moto adds the instance's groups to the interface's, so that nothing ever loses one."""

    def read(self: Any) -> Any:
        nics = self.__dict__.get("nics")
        return nics[0]._group_set if nics and 0 in nics else self.__dict__.get("_lab_groups", [])

    def write(self: Any, groups: list[Any]) -> None:
        self._lab_groups = groups
        if nics := self.__dict__.get("nics"):
            nics[0]._group_set = list(groups)

    replace(Instance, "security_groups", property(read, write))
    replace(NetworkInterface, "group_set", property(lambda self: self._group_set))


def _bare_the_terminated() -> None:
    for name, nothing in GONE_WITH_IT.items():
        replace(Instance, name, property(_unless_terminated(getattr(Instance, name), nothing)))


def _unless_terminated(original: Any, nothing: Any) -> Any:
    def read(self: Any) -> Any:
        state = self.__dict__.get("_state")
        return nothing if state is not None and state.name == "terminated" else original.fget(self)

    return read


def _monitoring(state: str) -> Any:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_MonitorInstances.html"""

    def answer(self: Any) -> ActionResult:
        told = []
        for instance in self.ec2_backend.get_multi_instances_by_id(self._get_param("InstanceIds", [])):
            instance.monitoring_state = state
            told.append({"InstanceId": instance.id, "Monitoring": {"State": state}})
        return ActionResult({"InstanceMonitorings": told})

    return answer
