# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Ask EC2 for lists: all pages, several at once, and again when it is too busy to answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry


@AWSRetry.jittered_backoff()  # type: ignore[untyped-decorator]  # Published without types.
def ask(client: Any, operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
    """Return all that an operation lists under a key, over all its pages."""
    if client.can_paginate(operation):
        answer = client.get_paginator(operation).paginate(**arguments).build_full_result()
    else:
        answer = getattr(client, operation)(**arguments)
    return list(answer.get(key, []))


def at_once(**questions: Callable[[], Any]) -> dict[str, Any]:
    """Ask independent questions at the same time; the first error is raised when all have ended.

    A region is 60 ms away and may throttle, and a look asks twenty questions.
    """
    with ThreadPoolExecutor(len(questions)) as pool:
        answers = {name: pool.submit(question) for name, question in questions.items()}
    return {name: answer.result() for name, answer in answers.items()}


def by(**filters: str | list[str]) -> list[dict[str, Any]]:
    """Write filters as EC2 wants them: vpc_id="vpc-1" is vpc-id."""
    return [
        {"Name": name.replace("_", "-"), "Values": [value] if isinstance(value, str) else value}
        for name, value in filters.items()
    ]
