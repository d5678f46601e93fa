"""Auto Scaling in moto: it notes what is wanted, and the keeper does it; refusals, activities and instance refresh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import (
    AutoScalingBackend,
    FakeAutoScalingGroup,
    InstanceState,
    TerminateInstanceActivity,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from lab.api.guards import guard, replace
from lab.autoscaling.keeper import register, version_of
from lab.autoscaling.plan import IN_SERVICE
from lab.autoscaling.records import InstanceRefresh, end_refresh, running_refresh


def apply_autoscaling_fixes() -> None:
    """Mend moto's classes; call it once, before the first request."""
    _refuse_what_has_no_machines()
    _only_note_the_capacity()
    _leave_the_machines_to_the_keeper()
    _delete_slowly()
    _tell_versions_and_activities()
    _refresh()


def _refuse_what_has_no_machines() -> None:
    def check(launch_template: Any, vpc_zone_identifier: Any, health_check_type: Any) -> None:
        if not launch_template or not vpc_zone_identifier:
            raise ValidationError("The lab's Auto Scaling groups need a launch template and subnets.")
        if health_check_type not in (None, "EC2", "ELB"):
            raise ValidationError(f"The lab knows the health check types EC2 and ELB, not {health_check_type}.")

    guard(AutoScalingBackend, "create_auto_scaling_group", check)


def _only_note_the_capacity() -> None:
    """Source: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html"""

    def set_desired_capacity(self: Any, new_capacity: int | None) -> None:
        wanted = int(self.min_size if new_capacity is None else new_capacity)
        for bad, word, limit in (
            (wanted > self.max_size, "above max", self.max_size),
            (wanted < self.min_size, "below min", self.min_size),
        ):
            if bad:
                message = f"New SetDesiredCapacity value {wanted} is {word} value {limit} for the AutoScalingGroup."
                raise ValidationError(message)
        self.desired_capacity = wanted
        for name in ("lab_activities", "lab_refreshes"):
            if not hasattr(self, name):
                setattr(self, name, [])

    update = FakeAutoScalingGroup.update

    def update_group(self: Any, *args: Any, **kwargs: Any) -> None:
        """A new bound moves what is wanted."""
        low, high = kwargs.get("min_size"), kwargs.get("max_size")
        if kwargs.get("desired_capacity") is None:
            low = self.min_size if low is None else low
            high = self.max_size if high is None else high
            kwargs["desired_capacity"] = min(max(self.desired_capacity, low), high)
        template = kwargs.get("launch_template")
        update(self, *args, **kwargs | {"launch_template": template})

    replace(FakeAutoScalingGroup, "set_desired_capacity", set_desired_capacity)
    replace(FakeAutoScalingGroup, "update", update_group)


def _leave_the_machines_to_the_keeper() -> None:
    """moto would launch, register and replace at once, and forget the terminated."""

    def nothing(self: Any, *_: Any) -> None:
        return

    def update_attached_target_groups(self: Any, group_name: str) -> None:
        group = self.autoscaling_groups[group_name]
        for member in group.instance_states:
            if member.lifecycle_state == IN_SERVICE:
                register(group, member)

    def terminate_instance(self: Any, instance_id: str, should_decrement: bool) -> TerminateInstanceActivity:
        members = (one for group in self.autoscaling_groups.values() for one in group.instance_states)
        member = next((one for one in members if one.instance.id == instance_id), None)
        if member is None:
            raise ValidationError(f"Instance Id not found - No managed instance found for instance ID {instance_id}")
        group = member.instance.autoscaling_group
        before = group.desired_capacity
        if should_decrement:
            group.set_desired_capacity(before - 1)
        member.health_status = "Unhealthy"
        return TerminateInstanceActivity(member.instance, before)

    replace(AutoScalingBackend, "notify_terminate_instances", nothing)
    replace(AutoScalingBackend, "update_attached_target_groups", update_attached_target_groups)
    replace(AutoScalingBackend, "terminate_instance", terminate_instance)


def _delete_slowly() -> None:
    """It is there until its machines are gone.

    Source: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
    """

    def delete_auto_scaling_group(self: Any) -> EmptyResult:
        backend, name = self.autoscaling_backend, self._get_param("AutoScalingGroupName")
        group = backend.autoscaling_groups.get(name)
        if group is None:
            raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        if group.instance_states and not self._get_bool_param("ForceDelete", False):
            message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance "
            raise AutoscalingClientError("ResourceInUse", f"{message}request(s) still in the group.")
        group.min_size, group.lab_deleting, group.status = 0, True, "Delete in progress"
        end_refresh(group, "Cancelled")
        group.set_desired_capacity(0)
        return EmptyResult()

    replace(AutoScalingResponse, "delete_auto_scaling_group", delete_auto_scaling_group)


def _tell_versions_and_activities() -> None:
    def launch_template(self: Any) -> dict[str, Any] | None:
        template = self.auto_scaling_group.ec2_launch_template
        if template is None:
            return None
        version = str(getattr(self, "lab_version", template.default_version_number))
        return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": version}

    def describe_scaling_activities(self: Any) -> ActionResult:
        name = self._get_param("AutoScalingGroupName")
        groups = self.autoscaling_backend.describe_auto_scaling_groups([name] if name else [])
        return ActionResult({"Activities": [one.told() for group in groups for one in group.lab_activities]})

    replace(InstanceState, "launch_template", property(launch_template))
    replace(AutoScalingResponse, "describe_scaling_activities", describe_scaling_activities)


def _refresh() -> None:
    """moto has no rolling replacement.

    Source: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html
    """

    def of(self: Any) -> Any:
        name = self._get_param("AutoScalingGroupName")
        group = self.autoscaling_backend.autoscaling_groups.get(name)
        if group is None:
            raise ValidationError("AutoScalingGroup name not found - null")
        return group

    def start_instance_refresh(self: Any) -> ActionResult:
        group = of(self)
        if running_refresh(group):
            message = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."
            raise AutoscalingClientError("InstanceRefreshInProgress", message)
        refresh = InstanceRefresh(group.name, self._get_param("Preferences", {}) or {})
        group.lab_refreshes.insert(0, refresh)
        if not refresh.preferences.get("SkipMatching"):
            for member in group.instance_states:
                member.lab_stale = True
        return ActionResult({"InstanceRefreshId": refresh.id})

    def disable_metrics_collection(self: Any) -> EmptyResult:
        of(self).metrics = []
        return EmptyResult()

    def cancel_instance_refresh(self: Any) -> ActionResult:
        refresh = running_refresh(of(self))
        if refresh is None:
            message = "No in progress or pending Instance Refresh found for Auto Scaling group"
            raise AutoscalingClientError("ActiveInstanceRefreshNotFound", message)
        end_refresh(of(self), "Cancelled")
        return ActionResult({"InstanceRefreshId": refresh.id})

    def describe_instance_refreshes(self: Any) -> ActionResult:
        group, wanted = of(self), self._get_param("InstanceRefreshIds", [])
        version = group.ec2_launch_template.get_version(group.launch_template_version).number
        old = sum(version_of(one) != version for one in group.instance_states)
        size = int(group.desired_capacity)
        told = [one.told(old, size) for one in group.lab_refreshes if not wanted or one.id in wanted]
        return ActionResult({"InstanceRefreshes": told})

    methods: dict[str, Callable[[Any], ActionResult | EmptyResult]] = {
        "disable_metrics_collection": disable_metrics_collection,
        "start_instance_refresh": start_instance_refresh,
        "cancel_instance_refresh": cancel_instance_refresh,
        "describe_instance_refreshes": describe_instance_refreshes,
    }
    for name, method in methods.items():
        replace(AutoScalingResponse, name, method)
