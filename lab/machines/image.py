"""The machine image: Debian 13 made by mmdebstrap, kept outside the checkout under the hash of its recipe."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.config import CACHE_ROOT
from lab.errors import LabError
from lab.run import run

SUITE = "trixie"
USER = "admin"  # the login of Debian's own AMI: https://wiki.debian.org/Cloud/AmazonEC2Image
# What Debian's cloud image has that our roles or people rely on; no web server, no iptables.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "python3", "python3-apt",
    "unattended-upgrades", "iproute2", "iputils-ping", "procps", "curl", "ca-certificates", "netbase", "kmod", "tzdata",
)  # fmt: skip
BUILD_TIMEOUT_SECONDS = 900.0
FILES = Path(__file__).parent / "image"
UPLOADS = {
    "announce-host-keys": "/usr/local/sbin",
    "announce-host-keys.service": "/etc/systemd/system",
    "own-memory.service": "/etc/systemd/system",
}
STAMP = "onebox-image.json"


@dataclass(frozen=True)
class Mirror:
    """Where this machine's own apt gets Debian from; None means that mmdebstrap chooses."""

    archive: str
    security: str | None

    def sources(self) -> list[str]:
        lines = [f"deb {self.archive} {SUITE} main", f"deb {self.archive} {SUITE}-updates main"]
        return lines + ([f"deb {self.security} {SUITE}-security main"] if self.security else [])


def host_mirror() -> Mirror | None:
    """Read the mirror's address from this machine's configuration; a machine that is not Debian has none."""
    form = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    rows = {tuple(line.split("|")) for line in run(["apt-get", "indextargets", "--format", form]).splitlines()}
    found = {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "Debian"}
    if "Debian" not in found:
        return None
    return Mirror(found["Debian"], found.get("Debian-Security"))


def recipe(mirror: Mirror | None) -> str:
    """Everything the image is made from, as text: the key under which it is kept."""
    files = {str(p.relative_to(FILES)): p.read_text() for p in sorted(FILES.rglob("*")) if p.is_file()}
    sources = mirror.sources() if mirror else []
    return json.dumps({"suite": SUITE, "packages": PACKAGES, "sources": sources, "files": files}, indent=1)


def digest(root: Path) -> str:
    """A fingerprint of a tree by path, size, mode and time: cheap enough to ask before every use."""
    total = hashlib.sha256()
    for folder, names, files in os.walk(root):
        names.sort()
        for name in sorted(files):
            path = Path(folder, name)
            status = path.lstat()
            total.update(f"{path.relative_to(root)} {status.st_size} {status.st_mode} {status.st_mtime_ns}\n".encode())
    return total.hexdigest()


def ensure_image(say: Callable[[str], None]) -> Path:
    """Return the root of a sound image, building it if it is missing or was touched."""
    mirror = host_mirror()
    text = recipe(mirror)
    folder = CACHE_ROOT / "images" / hashlib.sha256(text.encode()).hexdigest()[:16]
    root, stamp = folder / "root", folder / STAMP
    if stamp.exists() and json.loads(stamp.read_text())["digest"] == digest(root):
        return root
    if folder.exists():
        say("the machine image was touched since it was made: making it anew")
        shutil.rmtree(folder)
    say(f"making the machine image (Debian {SUITE}, about half a minute; kept for the next time)")
    _build(folder, mirror, text)
    return root


def _build(folder: Path, mirror: Mirror | None, text: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix="part-"))
    part.chmod(0o755)
    try:
        sources = mirror.sources() if mirror else []
        hooks = [f"upload {FILES / name} {folder}/{name}" for name, folder in UPLOADS.items()]
        argv = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        argv += [f"--customize-hook={hook}" for hook in hooks]
        argv += [f'--customize-hook={FILES / "customize"} "$1" {USER}', SUITE, str(part / "root"), *sources]
        run(argv, timeout_seconds=BUILD_TIMEOUT_SECONDS)
        stamp = {"digest": digest(part / "root"), "recipe": json.loads(text)}
        (part / STAMP).write_text(json.dumps(stamp, indent=1))
        part.rename(folder)
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"the machine image was not ready after {error.timeout:.0f} s",
            hint="the package mirror may be slow or unreachable: try `apt-get update`, then run the command again",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
