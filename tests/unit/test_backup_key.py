"""Tear-down does not take away the only key of backups that stay."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def test_the_key_of_backups_that_stay_is_not_deleted_unawares() -> None:
    """Nobody listens where the API would be, so a call would end with another message."""
    argv = ["ansible-playbook", "-i", "inventory/environments.yml", "playbooks/teardown.yml", "--limit", "playground"]
    argv += ["-e", "confirm=playground", "-e", "app_backup_bucket=my-backups"]
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "onebox-dummy-access-key"}
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    done = subprocess.run(argv, cwd=REPO, env=keep | nowhere, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    words = " ".join(done.stdout.split())
    for word in ("my-backups", "/onebox/sidedish/playground/mysql_backup_key", "backup_key_kept=true"):
        assert word in words
