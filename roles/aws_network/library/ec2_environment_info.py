#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Say in one call what exists of an environment, and what is in its way."""

DOCUMENTATION = r"""
module: ec2_environment_info
short_description: Look at everything that belongs to one environment
description:
  - Answers in one module call what a dozen C(_info) modules would answer in a dozen. Starting a
    module costs more than a second, an API call a few hundredths.
  - Finds what carries the given tags, what carries the name of the VPC without them, and what
    stands inside the VPC without them.
  - Explains in words what is wrong with the credentials, the region or the permissions.
options:
  name:
    description: What the tag Name of everything begins with, for example C(sidedish-playground).
    type: str
    required: true
  identity:
    description: The tags that tell what belongs to the environment.
    type: dict
    required: true
  parameter_path:
    description: The folder of the environment in the SSM Parameter Store.
    type: str
    required: true
  account_id:
    description: The account that the credentials must belong to; empty for any.
    type: str
    default: ""
  lock:
    description:
      - C(take) claims the environment for this run if it differs from what is wanted, or if nothing
        is said about that; C(release) gives it back, and does not look. Both are here because
        starting another module would cost more than a second.
      - In check mode nothing is claimed.
    type: str
    choices: [leave, take, release]
    default: leave
  held:
    description: The lock that an earlier task of this run has taken.
    type: str
    default: ""
  wanted:
    description:
      - What there should be, under C(network) or C(machines). The roles aws_network and
        aws_instances write it in their C(vars); RV(differs) then says where it is not so.
    type: dict
  needs:
    description:
      - What the machines will need of the region, C(types), C(zone), C(architecture), and C(image_id), or
        where that is empty C(image_owner) and C(image_name); RV(refused) says what it does not have.
        Asked only where something is to be made.
    type: dict
  failed:
    description: The error of a task that failed; RV(advice) says what to do about it, if it is about quotas.
    type: str
    default: ""
  audit:
    description: Whether to look for databases, spot requests and snapshots too, as tear-down does.
    type: bool
    default: false
  lock_minutes:
    description: After how long a lock counts as forgotten.
    type: int
    default: 30
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author: the Onebox authors
"""

EXAMPLES = r"""
- name: Look at what exists
  ec2_environment_info:
    name: sidedish-playground
    identity: {Service: sidedish, Environment: playground, ManagedBy: onebox}
    parameter_path: /onebox/sidedish/playground
  register: __aws_network_found
"""

RETURN = r"""
account_id: {description: The account of the credentials., type: str, returned: always}
lock: {description: "The lock that this run holds, or nothing.", type: str, returned: always}
run: {description: "What marks the processes of this run, as ONEBOX_RUN.", type: str, returned: always}
differs:
  description: What is to be made or put right, with one sentence for each reason. Empty if nothing is.
  type: dict
  returned: always
refused:
  description: Why it must not, or cannot, be made or changed, one sentence for each reason. Nothing is claimed then.
  type: list
  returned: always
advice: {description: "What to do about the error, or nothing.", type: str, returned: always}
locked: {description: Whether somebody had claimed the environment., type: bool, returned: always}
zones: {description: The zones of the region that take new machines., type: list, returned: always}
vpcs:
  description: VPCs with the tags, and VPCs with the name but without the tags (C(ours) is false).
  type: list
  returned: always
internet_gateways: {description: "Gateways with the tags, or attached to the VPC.", type: list, returned: always}
subnets: {description: Subnets of the VPC., type: list, returned: always}
route_tables: {description: Route tables of the VPC., type: list, returned: always}
security_groups: {description: Groups of the VPC., type: list, returned: always}
interfaces: {description: Network interfaces of the VPC., type: list, returned: always}
instances: {description: Machines of the VPC that are not terminated., type: list, returned: always}
nat_gateways: {description: NAT gateways of the VPC that are not deleted., type: list, returned: always}
endpoints: {description: Endpoints of the VPC., type: list, returned: always}
addresses: {description: Elastic IPs with the tags., type: list, returned: always}
key_pairs: {description: Key pairs with the tags., type: list, returned: always}
launch_templates: {description: Launch templates with the tags., type: list, returned: always}
volumes: {description: Disks with the tags., type: list, returned: always}
databases: {description: "Managed databases in the VPC or with the tags.", type: list, returned: in an audit}
load_balancers: {description: "Load balancers in the VPC or with the name.", type: list, returned: in an audit}
scaling_groups: {description: Auto Scaling groups with the tags., type: list, returned: in an audit}
images: {description: Images of machines with the tags., type: list, returned: in an audit}
spot_requests: {description: Open requests for spot machines., type: list, returned: in an audit}
snapshots: {description: Snapshots of disks with the tags., type: list, returned: in an audit}
database_snapshots: {description: Snapshots of managed databases with the tags., type: list, returned: in an audit}
kept: {description: "The snapshots, which are kept on purpose, one line each.", type: list, returned: always}
namesakes:
  description: Key pairs and launch templates that have the names of ours without the tags, one line each.
  type: list
  returned: always
parameters:
  description: Names of the parameters; the value where it is no secret.
  type: dict
  returned: always
belongings: {description: "What belongs to the environment, one line each.", type: list, returned: always}
strangers:
  description: What stands in the VPC without belonging to the environment, one line each.
  type: list
  returned: always
"""

import contextlib
from typing import Any

with contextlib.suppress(ImportError):  # AnsibleAWSModule says what is missing.
    from botocore.exceptions import BotoCoreError, ClientError

from ansible.module_utils.aws_environment.access import explain, wrong_account
from ansible.module_utils.aws_environment.differences import network_differences
from ansible.module_utils.aws_environment.lock import Lock, LockedError, mark
from ansible.module_utils.aws_environment.look import Environment
from ansible.module_utils.aws_environment.machines import machine_differences
from ansible.module_utils.aws_environment.obstacles import machine_obstacles, network_obstacles
from ansible.module_utils.aws_environment.refusals import advice, refused
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

AUDITORS = ("rds", "elbv2", "autoscaling")
COMPARE = {"network": network_differences, "machines": machine_differences}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "identity": {"type": "dict", "required": True},
            "parameter_path": {"type": "str", "required": True},
            "account_id": {"type": "str", "default": ""},
            "lock": {"type": "str", "choices": ["leave", "take", "release"], "default": "leave"},
            "held": {"type": "str", "default": ""},
            "wanted": {"type": "dict"},
            "needs": {"type": "dict"},
            "failed": {"type": "str", "default": ""},
            "audit": {"type": "bool", "default": False},
            "lock_minutes": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, **answer(module))
    except LockedError as error:
        module.fail_json(msg=str(error))
    except (BotoCoreError, ClientError) as error:
        if module.params["failed"]:  # What failed first is what is told.
            module.exit_json(changed=False, advice="")
        module.fail_json(msg=explain(error, str(module.region)))


def answer(module: Any) -> dict[str, Any]:
    """Release the lock, or look, compare, and claim the environment if there is something to do."""
    params, held = module.params, module.params["held"]
    identity = {key: str(value) for key, value in params["identity"].items()}
    ssm = module.client("ssm")
    lock = Lock(
        ssm,
        name=params["name"],
        path=f"{params['parameter_path']}/lock",
        tags=identity | {"Name": f"{params['name']}-lock"},
        minutes=params["lock_minutes"],
    )
    if params["lock"] == "release":
        if held and not module.check_mode:
            lock.release(held)
        return {}
    account = module.client("sts").get_caller_identity()["Account"]
    if params["account_id"] not in ("", account):
        module.fail_json(msg=wrong_account(account, params["account_id"]))
    environment = Environment(
        module.client("ec2"),
        ssm,
        {name: module.client(name) for name in AUDITORS if params["audit"]},
        name=params["name"],
        identity=identity,
        path=params["parameter_path"],
    )
    found: dict[str, Any] = environment.look()
    differs = differences(found, params)
    claims = params["lock"] == "take" and not held and not module.check_mode
    asks = (environment.ec2, params["needs"], str(module.region), found["zones"])
    refusals = obstacles(found, module) + (refused(*asks) if params["needs"] and differs else [])
    hint = advice(params["failed"], environment.used, str(module.region))
    if claims and not refusals and (differs or found["locked"] or not params["wanted"]):
        held, taken_over = lock.take()
        if taken_over:
            module.warn(taken_over)
        try:
            found = environment.look()  # Another run may have ended a moment ago.
        except (BotoCoreError, ClientError):
            lock.release(held)
            raise
        differs, refusals = differences(found, params), obstacles(found, module)
    told = {"account_id": account, "lock": held, "run": mark(lock.run), "differs": differs}
    return told | {"refused": refusals, "advice": hint} | found


def obstacles(found: dict[str, Any], module: Any) -> list[str]:
    """What stands against what is wanted, also where nothing differs."""
    params = module.params
    known = {"name": params["name"], "identity": params["identity"], "region": module.region}
    wanted = {part: terms | known for part, terms in (params["wanted"] or {}).items()}
    return [
        *(network_obstacles(found, wanted["network"], params["needs"] or {}) if "network" in wanted else []),
        *(machine_obstacles(found, wanted["machines"], module.check_mode) if "machines" in wanted else []),
    ]


def differences(found: dict[str, Any], params: dict[str, Any]) -> dict[str, list[str]]:
    """Where what was found is not what is wanted."""
    return {
        what: sentences
        for part, wanted in (params["wanted"] or {}).items()
        for what, sentences in COMPARE[part](found, wanted | {"name": params["name"]}).items()
    }


if __name__ == "__main__":
    main()
