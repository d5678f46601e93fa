"""The disks behind images that were made of machines: copied once, and given to each machine made from them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.config import LabConfig
from lab.machines.fleet import Fleet
from lab.observe import ec2_backend
from lab.rds.volume import copy_volume

LOG = logging.getLogger("lab")


class Snapshots:
    """All such images of a lab."""

    def __init__(self, config: LabConfig, fleet: Fleet, wake: Callable[[], None]) -> None:
        self._config, self._fleet, self._wake = config, fleet, wake
        self._copying: set[str] = set()

    def sync(self) -> None:
        """Begin what was asked for, and forget what was deregistered."""
        images = {one.id: one for one in list(ec2_backend().amis.values()) if hasattr(one, "lab_source")}
        for image in images.values():
            off = image.lab_source not in self._fleet.powered
            if image.state == "pending" and off and image.id not in self._copying:
                self._copying.add(image.id)
                threading.Thread(target=self._copy, args=[image], daemon=True).start()
        for path in self._config.image_file("any").parent.glob("*.img"):
            if path.stem not in images:
                path.unlink()

    def _copy(self, image: Any) -> None:
        try:
            source: Path = self._fleet.disk(image.lab_source).volume
            copy_volume(source, self._config.image_file(image.id))
            image.state = "available"
        except Exception:
            LOG.exception("the image %s", image.id)
            image.state = "failed"
        self._wake()
