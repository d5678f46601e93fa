"""What all tests share."""

from __future__ import annotations

import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]

# The roles' own code is imported by their modules as ansible.module_utils.reachability and its like.
sys.path[:0] = [str(path) for path in REPO.glob("roles/*/module_utils")]
