"""The keeper of the Auto Scaling groups: looks at each, asks the plan, and does it to moto's account.

moto's objects carry what it needs: a group `lab_refreshes`, `lab_activities` and `lab_deleting`, a member
`lab_version`, `lab_since` (in service) and `lab_why` (it leaves).
"""

from __future__ import annotations

import logging
import time
from typing import Any

from moto.autoscaling.models import ASG_NAME_TAG, InstanceState
from moto.backends import get_backend
from moto.core.exceptions import ServiceException

from lab.autoscaling.plan import (
    IN_SERVICE,
    PENDING,
    TERMINATING,
    End,
    Enter,
    Group,
    Launch,
    Leave,
    Member,
    Refresh,
    Refreshed,
    Step,
    plan,
)
from lab.autoscaling.records import Activity, end_refresh, running_refresh
from lab.config import ACCOUNT, REGION
from lab.elb.observe import elb_backend
from lab.observe import ec2_backend

RETRY_SECONDS = 15.0  # after a launch that failed
WORST_FIRST = ("draining", "unhealthy", "initial", "healthy")
LOG = logging.getLogger("lab")


def groups_backend(region: str = REGION) -> Any:
    return get_backend("autoscaling")[ACCOUNT][region]


class Groups:
    """All groups of a lab; the lab's own loop lets them take a step."""

    def __init__(self) -> None:
        self._not_before: dict[str, float] = {}

    def step(self) -> None:
        backend = groups_backend()
        for group in list(backend.autoscaling_groups.values()):
            try:
                for step in plan(_look(group)):
                    self._take(group, step)
            except Exception:
                LOG.exception("the Auto Scaling group %s", group.name)
            if getattr(group, "lab_deleting", False) and not group.instance_states:
                backend.autoscaling_groups.pop(group.name, None)

    def _take(self, group: Any, step: Step) -> None:
        if isinstance(step, Launch):
            self._launch(group, step.subnet_id)
        elif isinstance(step, Refreshed):
            end_refresh(group, "Successful")
        else:
            member = next(one for one in group.instance_states if one.instance.id == step.id)
            {Enter: _enter, Leave: _leave, End: _end}[type(step)](group, member, step)

    def _launch(self, group: Any, subnet_id: str) -> None:
        if time.monotonic() < self._not_before.get(group.name, 0.0):
            return
        note = Activity(group.name, "Launching a new EC2 instance", "a difference between desired and actual capacity")
        group.lab_activities.insert(0, note)
        try:
            member = _run_instance(group, subnet_id)
        except ServiceException as error:
            # AWS says so in the activities and tries again.
            note.end("Failed", str(error))
            self._not_before[group.name] = time.monotonic() + RETRY_SECONDS
            LOG.warning("the group %s could not launch: %s", group.name, error)
            return
        note.description = f"Launching a new EC2 instance: {member.instance.id}"
        note.end("Successful")
        group.instance_states = [*group.instance_states, member]


def _look(group: Any) -> Group:
    refresh = running_refresh(group)
    template = group.ec2_launch_template
    return Group(
        desired=int(group.desired_capacity or 0),
        version=_version(group).number if template else 0,
        subnets=tuple((group.vpc_zone_identifier or "").split(",")),
        members=tuple(_member(group, one) for one in list(group.instance_states)),
        asks_targets=group.health_check_type == "ELB",
        grace_seconds=float(group.health_check_grace_period or 0),
        refresh=None
        if refresh is None
        else Refresh(
            int(refresh.preferences.get("MinHealthyPercentage", 90)),
            int(refresh.preferences.get("MaxHealthyPercentage", 100)),
            float(refresh.preferences.get("InstanceWarmup", 0)),
        ),
    )


def _version(group: Any) -> Any:
    return group.ec2_launch_template.get_version(group.launch_template_version)


def _member(group: Any, state: Any) -> Member:
    instance, since = state.instance, getattr(state, "lab_since", None)
    return Member(
        id=instance.id,
        subnet_id=getattr(state, "lab_subnet", ""),
        version=version_of(state),
        state=state.lifecycle_state,
        power=instance.state,
        marked_unhealthy=state.health_status == "Unhealthy",
        target=_worst_target(group, instance.id),
        seconds_in_service=time.monotonic() - since if since else 0.0,
        protected=bool(state.protected_from_scale_in),
    )


def version_of(member: Any) -> int:
    """Of the template it was made from; 0, which there is not, once it is to be replaced whatever it is."""
    return 0 if getattr(member, "lab_stale", False) else int(getattr(member, "lab_version", 0))


def _target_groups(group: Any) -> list[Any]:
    known = elb_backend().target_groups
    return [known[arn] for arn in group.target_group_arns if arn in known]


def _worst_target(group: Any, instance_id: str) -> str:
    """Of its target groups; one that is in none that is used has nothing to say."""
    told = {
        one.status
        for target_group in _target_groups(group)
        for one in elb_backend().describe_target_health(target_group.arn, [{"Id": instance_id}])
    }
    return next((one for one in WORST_FIRST if one in told), "")


def _run_instance(group: Any, subnet_id: str) -> InstanceState:
    version, ec2 = _version(group), ec2_backend()
    data = version.data
    reservation = ec2.run_instances(
        version.image_id,
        1,
        None,  # the user data and groups of the template
        [],
        instance_type=version.instance_type,
        is_instance_type_default=False,
        region_name=REGION,
        subnet_id=subnet_id,
        launch_template={"LaunchTemplateId": version.template.id, "Version": version.number},
        metadata_options=data.get("MetadataOptions") or {},
        # Said here, or moto gives the machine a root disk first, and a second one by the template.
        **({"block_device_mappings": disks} if (disks := data.get("BlockDeviceMappings")) else {}),
        tags={"instance": {ASG_NAME_TAG: group.name, **version.instance_tags, **group.get_propagated_tags()}},
    )
    (instance,) = reservation.instances
    profile = data.get("IamInstanceProfile") or {}
    if name := profile.get("Name") or profile.get("Arn", "").rpartition("/")[2]:
        ec2.associate_iam_instance_profile(instance.id, iam_instance_profile_name=name)
    member: Any = InstanceState(
        instance,
        lifecycle_state=PENDING,
        protected_from_scale_in=group.new_instances_protected_from_scale_in,
        autoscaling_group=group,
    )
    member.lab_version, member.lab_subnet = version.number, subnet_id
    made: InstanceState = member
    return made


def _enter(group: Any, member: Any, _: Step) -> None:
    member.lifecycle_state, member.lab_since = IN_SERVICE, time.monotonic()
    register(group, member)


def register(group: Any, member: Any) -> None:
    for target_group in _target_groups(group):
        if member.instance.id not in target_group.targets:
            target_group.register([{"Id": member.instance.id, "Port": target_group.port}])


def _leave(group: Any, member: Any, step: Step) -> None:
    assert isinstance(step, Leave)
    member.lifecycle_state, member.lab_why = TERMINATING, step.why
    for target_group in _target_groups(group):
        if member.instance.id in target_group.targets:
            target_group.deregister([{"Id": member.instance.id}])


def _end(group: Any, member: Any, _: Step) -> None:
    note = Activity(group.name, f"Terminating EC2 instance: {member.instance.id}", member.lab_why)
    if member.instance.state not in ("shutting-down", "terminated"):
        ec2_backend().terminate_instances([member.instance.id])
    group.instance_states = [one for one in group.instance_states if one is not member]
    note.end("Successful")
    group.lab_activities.insert(0, note)
