#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follow one packet and its reply through what the API declares."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.reachability.paths import picture, question, read
from ansible.module_utils.reachability.paths.packet import PathError, Service

DOCUMENTATION = r"""
module: reachability_explain
short_description: Follow one packet through what the API declares
description:
  - Names every decision on the way of a packet and of its reply, and the first that drops it, with AWS's
    explanation code.
  - Sends no packet, and changes nothing.
options:
  api:
    description: The result of M(reachability_declared).
    type: dict
    required: true
  environment:
    description: The environment whose tiers the words C(public) and C(private) mean.
    type: str
    required: true
  source:
    description: A tier, a name, an id, an address, or C(internet).
    type: str
    required: true
  destination:
    description: The same, or C(resolver) or C(s3).
    type: str
    required: true
  protocol:
    description: C(tcp), C(udp), or C(icmp), which is an echo request.
    type: str
    default: tcp
  port:
    description: The port of the service; C(icmp) has none.
    type: str
    default: ""
author: Onebox
"""

RETURN = r"""
text: {description: "The verdict, one line for each decision, and the first blocker.", returned: always, type: str}
path: {description: The same as data., returned: always, type: dict}
"""

SPEC = {
    "api": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "destination": {"type": "str", "required": True},
    "protocol": {"type": "str", "default": "tcp"},
    "port": {"type": "str", "default": ""},
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params: dict[str, Any] = module.params
    api = {kind: found for kind, found in params["api"].items() if isinstance(found, list)}
    try:
        service = Service.parse(params["protocol"], params["port"])
        account = read.read(api, params["environment"])
        path = question.explain(account, params["source"], params["destination"], service)
    except PathError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, text=picture.draw(path), path=path.as_dict())


if __name__ == "__main__":
    main()
