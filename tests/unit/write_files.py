"""Calls the module write_files as Ansible does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MODULE = Path(__file__).resolve().parents[2] / "roles/host_baseline/library/write_files.py"
PROGRAM = """
import json, os, runpy, sys
import ansible.module_utils
ansible.module_utils.__path__.append(os.path.join(os.path.dirname(sys.argv[1]), "../module_utils"))
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.loads(sys.argv[2])):
    runpy.run_path(sys.argv[1], run_name="__main__")
"""


class Write:
    """Calls the module as Ansible does; the files are of whoever runs the test."""

    def __init__(self, folder: Path) -> None:
        self.settings = {"_ansible_remote_tmp": str(folder)}

    def __call__(
        self, *files: dict[str, str], check: bool = False, units: Any = (), folders: Any = (), links: Any = ()
    ) -> dict[str, Any]:
        whose = {"owner": str(os.getuid()), "group": str(os.getgid())}
        inputs = {
            "files": [whose | file for file in files],
            "folders": [whose | folder for folder in folders],
            "links": {str(path): str(target) for path, target in links},
            "units": list(units),
        }
        arguments = self.settings | inputs | {"_ansible_check_mode": check}
        command = [sys.executable, "-c", PROGRAM, str(MODULE), json.dumps(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
