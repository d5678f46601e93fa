"""The disk of one machine: what it wrote, over the image that all share."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from lab.config import LabConfig
from lab.machines.image import USER
from lab.model import Instance
from lab.run import run


@dataclass(frozen=True)
class Disk:
    """Survives stop, start and reboot; only terminate deletes it."""

    folder: Path
    image: Path

    @classmethod
    def of(cls, config: LabConfig, instance_id: str, image: Path) -> Disk:
        return cls(config.disk_dir / instance_id, image)

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    def mount(self) -> None:
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if not self.root.is_mount():
            layers = f"lowerdir={self.image},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
            run(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.root)])

    def unmount(self) -> None:
        if self.root.is_mount():
            run(["umount", str(self.root)])

    def delete(self) -> None:
        self.unmount()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self, instance: Instance, resolver: IPv4Address) -> None:
        """Write what cloud-init and DHCP would: host name, resolver, and the key pair of the API."""
        etc = self.root / "etc"
        (etc / "hostname").write_text(f"{instance.hostname}\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {instance.hostname}\n")
        (etc / "resolv.conf").write_text(f"nameserver {resolver}\n")
        home = self.root / "home" / USER
        keys = home / ".ssh" / "authorized_keys"
        if instance.public_key and not keys.exists():
            owner = home.stat()
            keys.parent.mkdir(mode=0o700)
            keys.write_text(f"{instance.public_key}\n")
            keys.chmod(0o600)
            for path in (keys.parent, keys):
                shutil.chown(path, owner.st_uid, owner.st_gid)
