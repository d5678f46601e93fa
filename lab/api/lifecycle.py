"""Which states of an instance accept which call.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
"""

from __future__ import annotations

from lab.api.account import Account
from lab.api.calls import Call
from lab.api.refusal import Refusal

# What is already on its way is accepted and changes nothing.
STARTABLE = ("stopped", "pending", "running")
STOPPABLE = ("running", "stopping", "stopped")
REBOOTABLE = ("pending", "running")
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html
CHANGED_WHILE_STOPPED = ("InstanceType.Value", "UserData.Value", "EbsOptimized.Value")


def _wrong(call: Call, account: Account, accepted: tuple[str, ...]) -> tuple[str, str] | None:
    """The first named instance whose state does not accept the call; unknown ids are moto's to refuse."""
    for instance_id in call.many("InstanceId"):
        machine = account.machines.get(instance_id)
        if machine and machine.state not in accepted:
            return instance_id, machine.state
    return None


def refuse_unstartable(call: Call, account: Account) -> Refusal | None:
    if wrong := _wrong(call, account, STARTABLE):
        message = f"The instance '{wrong[0]}' is not in a state from which it can be started."
        return Refusal("IncorrectInstanceState", message)
    return None


def refuse_stop(call: Call, account: Account) -> Refusal | None:
    if wrong := _wrong(call, account, STOPPABLE):
        message = f"The instance '{wrong[0]}' is not in a state from which it can be stopped."
        if wrong[1] == "pending":
            message = f"Instance '{wrong[0]}' cannot be stopped as it has never reached the 'running' state."
        return Refusal("IncorrectInstanceState", message)
    return None


def refuse_reboot(call: Call, account: Account) -> Refusal | None:
    if wrong := _wrong(call, account, REBOOTABLE):
        return Refusal("IncorrectInstanceState", f"The instance '{wrong[0]}' is not in the 'running' state.")
    return None


def refuse_pending_target(call: Call, account: Account) -> Refusal | None:
    """An address needs a machine that runs or is stopped.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
    """
    if wrong := _wrong(call, account, ("running", "stopping", "stopped")):
        message = f"The {wrong[1]} instance '{wrong[0]}' is not in a valid state for this operation."
        return Refusal("InvalidInstanceID", message)
    return None


def refuse_change_of_running(call: Call, account: Account) -> Refusal | None:
    """Size and user data change only while the machine is stopped."""
    wrong = _wrong(call, account, ("stopped",))
    named = {call.parameters.get("Attribute", "").lower() + ".value"} | {key.lower() for key in call.parameters}
    if wrong and any(one.lower() in named for one in CHANGED_WHILE_STOPPED):
        return Refusal("IncorrectInstanceState", f"The instance '{wrong[0]}' is not in the 'stopped' state.")
    return None
