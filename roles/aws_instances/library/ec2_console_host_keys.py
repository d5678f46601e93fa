#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Learn the SSH host keys of new machines from their console, and keep them for every operator."""

DOCUMENTATION = r"""
module: ec2_console_host_keys
short_description: Learn SSH host keys from the console output
description:
  - Waits until cloud-init has printed the host keys on the console of each machine, and keeps them
    in the SSM Parameter Store. The console is read through the API of EC2, with our credentials, so
    nobody between us and the machine can slip in a key of his own.
  - Keys that are kept already are never overwritten.
options:
  instances:
    description: The machines, id to name.
    type: dict
    required: true
  parameter_path:
    description: The folder the keys are kept in, one parameter named after the instance id each.
    type: str
    required: true
  tags:
    description: The tags of the parameters.
    type: dict
    default: {}
  wait_seconds:
    description: How long to wait for the keys of all machines together.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author: the Onebox authors
"""

EXAMPLES = r"""
- name: Learn the host keys
  ec2_console_host_keys:
    instances: {i-0123456789abcdef0: sidedish-playground-public}
    parameter_path: /onebox/sidedish/playground/host_keys
"""

RETURN = r"""
host_keys:
  description: Instance id to its keys, one for each line. Empty in check mode.
  type: dict
  returned: always
"""

import base64
import binascii
import contextlib
import re
import time
from typing import Any

with contextlib.suppress(ImportError):  # AnsibleAWSModule says what is missing.
    from botocore.exceptions import BotoCoreError, ClientError

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

BLOCK = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL)
KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521))[ \t]+(AAAA[0-9A-Za-z+/]+={0,2})")
POLL_SECONDS = 3


def host_keys_in(console: str) -> list[str]:
    """Return the host keys of the last boot that printed any, as "type key", sorted."""
    for block in reversed(BLOCK.findall(console)):
        keys = {f"{kind} {body}" for kind, body in KEY.findall(block) if is_key(kind, body)}
        if keys:
            return sorted(keys)
    return []


def is_key(kind: str, body: str) -> bool:
    """Tell a whole key from one that another message on the console has cut: it begins with its type."""
    try:
        blob = base64.b64decode(body, validate=True)
    except binascii.Error:
        return False
    return len(blob) > len(kind) + 4 and blob[: len(kind) + 4] == len(kind).to_bytes(4, "big") + kind.encode()


def read_console(ec2: Any, instance_id: str) -> str:
    """Return the console output, the newest where the type of machine can give it."""
    try:
        answer = ec2.get_console_output(InstanceId=instance_id, Latest=True, aws_retry=True)
    except ClientError as error:
        # Only machines on Nitro show what they print right now; the others are minutes behind.
        if error.response["Error"]["Code"] not in ("UnsupportedOperation", "InvalidParameterCombination"):
            raise
        answer = ec2.get_console_output(InstanceId=instance_id, aws_retry=True)
    return str(answer.get("Output") or "")


def learn(ec2: Any, instances: dict[str, str], seconds: int) -> tuple[dict[str, str], list[str]]:
    """Wait for the keys of all machines; return them, and the ids of those that printed none in time."""
    deadline = time.monotonic() + seconds
    learned: dict[str, str] = {}
    while True:
        for instance_id in instances.keys() - learned.keys():
            if keys := host_keys_in(read_console(ec2, instance_id)):
                learned[instance_id] = "\n".join(keys)
        missing = sorted(instances.keys() - learned.keys())
        if not missing or time.monotonic() + POLL_SECONDS > deadline:
            return learned, missing
        time.sleep(POLL_SECONDS)


def keep(ssm: Any, name: str, keys: str, tags: dict[str, str]) -> str:
    """Keep the keys, unless another operator was faster: then return his."""
    try:
        ssm.put_parameter(
            Name=name,
            Value=keys,
            Type="String",
            Overwrite=False,
            Tags=[{"Key": key, "Value": str(value)} for key, value in tags.items()],
            aws_retry=True,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterAlreadyExists":
            raise
        return str(ssm.get_parameter(Name=name, aws_retry=True)["Parameter"]["Value"])
    return keys


def complaint(instances: dict[str, str], missing: list[str], seconds: int) -> str:
    """Say which machine printed no keys, how long we waited, and what to do."""
    names = " and ".join(f"{instances[instance_id]} ({instance_id})" for instance_id in missing)
    return (
        f"The console of {names} showed no SSH host keys within {seconds} seconds, so nobody could tell the machine "
        "from an impostor. Run again if it is only slow (aws_instances_host_key_wait_seconds sets how long to "
        f"wait). Else look at the console: aws ec2 get-console-output --latest --instance-id {missing[0]}. "
        "The image must print the keys as cloud-init does."
    )


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "instances": {"type": "dict", "required": True},
            "parameter_path": {"type": "str", "required": True},
            "tags": {"type": "dict", "default": {}},
            "wait_seconds": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    instances: dict[str, str] = module.params["instances"]
    if module.check_mode or not instances:
        module.exit_json(changed=bool(instances), host_keys={})
    ec2 = module.client("ec2", retry_decorator=AWSRetry.jittered_backoff())
    ssm = module.client("ssm", retry_decorator=AWSRetry.jittered_backoff())
    try:
        learned, missing = learn(ec2, instances, module.params["wait_seconds"])
        host_keys = {
            instance_id: keep(ssm, f"{module.params['parameter_path']}/{instance_id}", keys, module.params["tags"])
            for instance_id, keys in learned.items()
        }
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"Could not learn the host keys of {', '.join(instances)}")
    if missing:
        module.fail_json(msg=complaint(instances, missing, module.params["wait_seconds"]), host_keys=host_keys)
    module.exit_json(changed=True, host_keys=host_keys)


if __name__ == "__main__":
    main()
