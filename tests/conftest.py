"""What all tests share."""

from __future__ import annotations

import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]

# The role's own code is imported on the machines as ansible.module_utils.reachability.
sys.path.insert(0, str(REPO / "roles/reachability/module_utils"))
