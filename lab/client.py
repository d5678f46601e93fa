"""How the command asks the lab's own process: JSON over the same loopback port, below /_lab/."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from lab.config import LabConfig
from lab.errors import LabError

TIMEOUT_SECONDS = 60.0


def ask(config: LabConfig, what: str, **parameters: Any) -> dict[str, Any]:
    """Put a question or an order to the lab; what it refuses is a LabError in its own words."""
    request = urllib.request.Request(f"{config.endpoint_url}/_lab/{what}", data=json.dumps(parameters).encode())
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            reply: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            refusal = json.load(error)
        except json.JSONDecodeError:
            said = f"the lab {config.name} stumbled over {what}"
            hint = f"read {config.log_file}; if it runs since before an update: sudo lab down; sudo lab up"
            raise LabError(said, hint=hint) from error
        raise LabError(refusal["message"], hint=refusal["hint"]) from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise LabError(
            f"the lab {config.name} does not answer at {config.endpoint_url}: {error}",
            hint=f"read {config.log_file}, or start anew: sudo lab down; sudo lab up",
        ) from error
    return reply
