"""The disk of one machine: an ext4 volume of its own, holding what the machine wrote over the image that all share.

It is mounted only in a mount namespace that lives as long as the machine does. So nothing is left to unmount, and
no other machine's namespace keeps a copy of the mount alive.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import tempfile
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from lab.config import LabConfig
from lab.errors import LabError
from lab.machines.image import USER
from lab.model import Instance
from lab.run import run

VOLUME_GIB = 8
RELEASE_DEADLINE_SECONDS = 10.0
RESERVE_BLOCKS = 256  # what a large file needs for its own extents
# ext4's ioctl that ends a file system without writing its journal, as a power cut does: EXT4_IOC_SHUTDOWN.
SHUTDOWN = 0x8004587D
WITHOUT_FLUSH = struct.pack("I", 2)
COPY_SECONDS = 600.0
WRITE_INTO = 'mount -o loop "$1" "$2" && cp -a "$3/upper/." "$2/upper/"'
MOUNT_AND_BECOME = """\
set -e
mount -o loop,noatime "$1" "$2"
mount -t overlay overlay -o "lowerdir=$3,upperdir=$2/upper,workdir=$2/work" "$4"
shift 4
exec "$@"
"""


@dataclass(frozen=True)
class Disk:
    """Survives stop, start, reboot and a power cut; only terminate deletes it."""

    folder: Path
    image: Path

    @classmethod
    def of(cls, config: LabConfig, instance_id: str, image: Path) -> Disk:
        return cls(config.disk_dir / instance_id, image)

    @property
    def volume(self) -> Path:
        """The sparse file that stands for the EBS volume."""
        return self.folder / "volume.img"

    @property
    def mounted_volume(self) -> Path:
        return self.folder / "volume"

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    def create(self, instance: Instance, resolver: IPv4Address) -> None:
        """Make the volume, unless the machine has one, with what cloud-init and DHCP would write at the first boot."""
        if self.volume.exists():
            return
        for folder in (self.mounted_volume, self.root):
            folder.mkdir(parents=True, exist_ok=True)
        part = self.volume.with_suffix(".part")
        with tempfile.TemporaryDirectory(dir=self.folder) as seed:
            self._seed(Path(seed), instance, resolver)
            with part.open("wb") as volume:
                volume.truncate(VOLUME_GIB << 30)
            lazy = "lazy_itable_init=1,lazy_journal_init=1"
            run(["mkfs.ext4", "-q", "-m", "0", "-E", lazy, "-d", seed, str(part)])
        part.rename(self.volume)

    def copy(self, source: Path, instance: Instance, resolver: IPv4Address) -> None:
        """Make the volume as a copy of an image's, with what cloud-init writes anew on a machine made from one."""
        for folder in (self.mounted_volume, self.root):
            folder.mkdir(parents=True, exist_ok=True)
        part = self.volume.with_suffix(".part")
        run(["cp", "--reflink=auto", "--sparse=always", str(source), str(part)], timeout_seconds=COPY_SECONDS)
        with tempfile.TemporaryDirectory(dir=self.folder) as seed:
            self._seed(Path(seed), instance, resolver)
            private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", WRITE_INTO, "write-into"]
            run([*private, str(part), str(self.mounted_volume), seed])
        part.rename(self.volume)

    def _seed(self, seed: Path, instance: Instance, resolver: IPv4Address) -> None:
        seed.chmod(0o755)
        (seed / "work").mkdir()
        upper = seed / "upper"
        for path in (upper, upper / "etc", upper / "home"):
            path.mkdir(mode=0o755)
        (upper / "etc/hostname").write_text(f"{instance.hostname}\n")
        (upper / "etc/resolv.conf").write_text(f"nameserver {resolver}\n")
        (upper / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {instance.hostname}\n")
        home, owner = upper / "home" / USER, (self.image / "home" / USER).stat()
        keys = home / ".ssh" / "authorized_keys"
        keys.parent.mkdir(parents=True, mode=0o700)
        home.chmod(owner.st_mode & 0o7777)
        keys.write_text(f"{instance.public_key}\n" if instance.public_key else "")
        keys.chmod(0o600)
        for path in (home, keys.parent, keys):
            os.chown(path, owner.st_uid, owner.st_gid)

    def enter(self, argv: list[str]) -> list[str]:
        """The command line that mounts the disk in a namespace of its own and becomes `argv`."""
        paths = [str(path) for path in (self.volume, self.mounted_volume, self.image, self.root)]
        private = ["unshare", "--mount", "--propagation", "private"]
        return [*private, "sh", "-c", MOUNT_AND_BECOME, "mount-disk", *paths, *argv]

    def cut_power(self, pid: int) -> None:
        """Lose what was not flushed: no write reaches the volume any more. `pid` lives in the disk's namespace."""
        descriptor = os.open(f"/proc/{pid}/root{self.mounted_volume}", os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, WITHOUT_FLUSH)
        finally:
            os.close(descriptor)

    def fill(self, pid: int, *, full: bool) -> None:
        """Hold every free block in a file beside the machine's own, or let them go; `pid` as in `cut_power`."""
        filler = Path(f"/proc/{pid}/root{self.mounted_volume}/filler")
        filler.unlink(missing_ok=True)
        if not full:
            return
        with filler.open("wb") as held:
            space = os.statvfs(filler.parent)
            os.posix_fallocate(held.fileno(), 0, max(space.f_bavail - RESERVE_BLOCKS, 1) * space.f_frsize)
            with contextlib.suppress(OSError):
                while True:  # the last blocks, which the file system counted as its own overhead
                    os.posix_fallocate(held.fileno(), os.fstat(held.fileno()).st_size, space.f_frsize)

    def wait_until_free(self) -> None:
        """Wait for the kernel to let go of the volume: mounted anew too early, it would still be the dead one."""
        deadline = time.monotonic() + RELEASE_DEADLINE_SECONDS
        while run(["losetup", "--associated", str(self.volume)]).strip():
            if time.monotonic() > deadline:
                raise LabError(f"the kernel still holds {self.volume}", hint="see who does: lsof, losetup --list")
            time.sleep(0.02)

    def delete(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
