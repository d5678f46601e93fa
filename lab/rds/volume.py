"""The volumes of databases and their snapshots: sparse files of the lab, copied while nothing writes to them."""

from __future__ import annotations

import os
import tempfile
from ipaddress import IPv4Address
from pathlib import Path

from lab.config import LabConfig
from lab.machines.disk import Disk
from lab.run import run

COPY_SECONDS = 600.0
SETTINGS = "etc/mysql/mysql.conf.d/zz-instance.cnf"


def snapshot_file(config: LabConfig, volume: str) -> Path:
    return config.disk_dir / "snapshots" / f"{volume}.img"


def make_volume(disk: Disk, *, resolver: IPv4Address, settings: str, gib: int) -> None:
    """An empty volume of that size, holding what the machine must know at its first boot.

    Not its own name: a restored copy would keep it.
    """
    disk.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=disk.folder) as name:
        seed = Path(name)
        seed.chmod(0o755)
        (seed / "work").mkdir()
        upper = seed / "upper"
        (upper / SETTINGS).parent.mkdir(parents=True)
        (upper / SETTINGS).write_text(settings)
        (upper / "etc/resolv.conf").write_text(f"nameserver {resolver}\n")
        (upper / "etc/hosts").write_text("127.0.0.1 localhost\n")
        part = disk.volume.with_suffix(".part")
        with part.open("wb") as volume:
            volume.truncate(gib << 30)
        lazy = "lazy_itable_init=1,lazy_journal_init=1"
        run(["mkfs.ext4", "-q", "-m", "0", "-E", lazy, "-d", name, str(part)])
    part.rename(disk.volume)


def copy_volume(source: Path, target: Path) -> None:
    """Copy what is in a sparse file; half a copy never bears the name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    run(["cp", "--reflink=auto", "--sparse=always", str(source), str(part)], timeout_seconds=COPY_SECONDS)
    part.rename(target)


def grow_volume(volume: Path, gib: int) -> None:
    """Make a volume that is not mounted as large as it should be; RDS does it on the fly, which not every host may."""
    if volume.stat().st_size < gib << 30:
        os.truncate(volume, gib << 30)
        run(["e2fsck", "-fp", str(volume)], check=False)  # status 1: it had something to mend, as after a power cut
        run(["resize2fs", str(volume)])


def drop_snapshots(config: LabConfig, kept: set[str]) -> None:
    """Delete the files of snapshots that the account no longer has."""
    for path in snapshot_file(config, "any").parent.glob("*.img"):
        if path.stem not in kept:
            path.unlink()


def make_folders(disk: Disk) -> None:
    """Where the machine mounts its volume and its root."""
    for folder in (disk.mounted_volume, disk.root):
        folder.mkdir(parents=True, exist_ok=True)
