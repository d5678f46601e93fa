"""Client tokens: the same token makes nothing twice, so that a lost reply can be asked for again.

Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lab.api.calls import Call
from lab.api.refusal import Refusal
from lab.api.replies import Reply

Key = tuple[str, str, str]


class Tokens:
    """The replies that were given for each token; for several threads."""

    def __init__(self) -> None:
        self._replies: dict[Key, tuple[dict[str, str], Reply]] = {}
        self._lock = threading.RLock()

    def once(self, call: Call, make: Callable[[], Reply]) -> Reply | Refusal:
        """Make it, or give the reply of the first time; another request with the same token is refused."""
        token = call.parameters.get("ClientToken")
        if call.service != "ec2" or not token:
            return make()
        key = (call.region, call.action, token)
        with self._lock:  # a retry may arrive while the first request is still under way
            if key not in self._replies:
                reply = make()
                if reply.good:
                    self._replies[key] = (call.parameters, reply)
                return reply
            parameters, reply = self._replies[key]
        if parameters != call.parameters:
            return Refusal("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent.")
        return reply
