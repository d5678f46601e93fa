"""Print the AWS environment variables of a lab."""

from __future__ import annotations

import argparse
import json

from lab import registry
from lab.config import REGION


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(given: argparse.Namespace) -> None:
    """Print the standard AWS environment variables of a lab: all that the playbooks ever see of it."""
    config = registry.find(given.name)
    values = {
        "AWS_ENDPOINT_URL": config.endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # Long on purpose: Ansible hides the secret wherever it occurs, and a short one occurs everywhere.
        "AWS_ACCESS_KEY_ID": "onebox-lab-dummy-access-key",
        "AWS_SECRET_ACCESS_KEY": "onebox-lab-dummy-secret-access-key",
    }
    if given.json:
        print(json.dumps(values))
        return
    for key, value in values.items():
        print(f"export {key}={value}")
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")
