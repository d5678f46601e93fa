# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
"""Where one run leaves for the next what takes time to make."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

KEPT_SECONDS = 30 * 24 * 3600


def kept_folder(name: str) -> Path:
    """The folder of this name that only this user may read, without what is older than a month."""
    folder = Path("~/.ansible", name).expanduser()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another run clears up, too
            if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                if old.is_dir():
                    shutil.rmtree(old, ignore_errors=True)
                else:
                    old.unlink()
    return folder
