"""The machine images: Debian made by mmdebstrap, kept outside the checkout under the hash of their recipes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lab.config import CACHE_ROOT
from lab.errors import LabError
from lab.run import run

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
class Recipe:
    """What an image is made from beside the mirror; the files are part of its hash."""

    packages: tuple[str, ...]
    files: Path | None
    uploads: Mapping[Path, str]
    minutes: str
    arguments: tuple[str, ...] = ()  # for its `customize`, after the root
    suite: str = "trixie"
    apt_options: tuple[str, ...] = ()
    variant: str = "minbase"  # extract: the packages' files alone, nothing set up
    unified_cgroups: bool = False  # whether its systemd accepts nothing else, whatever this host has


@dataclass(frozen=True)
class Mirror:
    """Where this machine's own apt gets Debian from; None means that mmdebstrap chooses."""

    archive: str
    security: str | None

    def sources(self, suite: str) -> list[str]:
        lines = [f"deb {self.archive} {suite} main", f"deb {self.archive} {suite}-updates main"]
        return lines + ([f"deb {self.security} {suite}-security main"] if self.security else [])


def host_mirror() -> Mirror | None:
    """Read the mirror's address from this machine's configuration; a machine that is not Debian has none."""
    form = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    rows = {tuple(line.split("|")) for line in run(["apt-get", "indextargets", "--format", form]).splitlines()}
    found = {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "Debian"}
    if "Debian" not in found:
        return None
    return Mirror(found["Debian"], found.get("Debian-Security"))


MYSQL_FILES = Path(__file__).parents[1] / "rds" / "image"
DEBIAN, NEXT_DEBIAN, MYSQL, PROXY = "debian-13", "debian-14", "rds-mysql", "elb-haproxy"
_DEBIAN = Recipe(
    packages=PACKAGES,
    files=FILES,
    uploads={FILES / name: folder for name, folder in UPLOADS.items()},
    minutes="half a minute",
    arguments=(USER,),
)
# Every system whose packages this machine can reach. An image of the API (data/amis.json) called
# `debian-14-amd64-...` is made by the recipe `debian-14`, when the first machine wants it.
RECIPES = {
    DEBIAN: _DEBIAN,
    NEXT_DEBIAN: replace(
        # The next release: an early warning. Its index says to be good for a week only, and mirrors of closed networks
        # are older than that; its signature is checked as ever.
        _DEBIAN,
        suite="forky",
        apt_options=('Acquire::Check-Valid-Until "false"',),
        unified_cgroups=True,
    ),
    # No login of any kind: neither sshd nor sudo nor a user.
    MYSQL: Recipe(
        packages=("systemd", "systemd-sysv", "dbus", "iproute2", "procps", "netbase", "tzdata"),
        files=MYSQL_FILES,
        uploads={
            FILES / "own-memory.service": "/etc/systemd/system",
            MYSQL_FILES / "fit-mysql": "/usr/local/sbin",
            MYSQL_FILES / "fit-mysql.service": "/etc/systemd/system",
            MYSQL_FILES / "zz-rds.cnf": "/usr/local/share",  # before the package is there, its folders are not
        },
        minutes="two minutes",
    ),
    # No machine, but the files of a program: base-files has the links that lead to its loader.
    PROXY: Recipe(packages=("base-files", "haproxy"), files=None, uploads={}, minutes="ten seconds", variant="extract"),
}


def recipe_of(image_name: str) -> str:
    """Which recipe stands for an image of the API; one of another name is a copy of the usual system."""
    return next((name for name in RECIPES if image_name.startswith(f"{name}-")), DEBIAN)


def recipe(mirror: Mirror | None, name: str = DEBIAN) -> str:
    """Everything the image is made from, as text: the key under which it is kept."""
    one = RECIPES[name]
    found = sorted(one.files.rglob("*")) if one.files else []
    files = {str(p.relative_to(one.files)): p.read_text() for p in found if one.files and p.is_file()}
    sources = mirror.sources(one.suite) if mirror else []
    return json.dumps({"suite": one.suite, "packages": one.packages, "sources": sources, "files": files}, indent=1)


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


def ensure_image(say: Callable[[str], None], name: str = DEBIAN) -> Path:
    """Return the root of a sound image, building it if it is missing or was touched."""
    mirror = host_mirror()
    text = recipe(mirror, name)
    folder = CACHE_ROOT / "images" / hashlib.sha256(text.encode()).hexdigest()[:16]
    root, stamp = folder / "root", folder / STAMP
    with _alone(folder.with_suffix(".lock"), lambda: say(f"waiting for the image {name}, which is being made")):
        if stamp.exists() and json.loads(stamp.read_text())["digest"] == digest(root):
            return root
        if folder.exists():
            say(f"the image {name} was touched since it was made: making it anew")
            shutil.rmtree(folder)
        made_of = f"Debian {RECIPES[name].suite}, about {RECIPES[name].minutes}"
        say(f"making the image {name} ({made_of}; kept for the next time)")
        _build(folder, mirror, text, RECIPES[name])
    return root


@contextlib.contextmanager
def _alone(lock: Path, must_wait: Callable[[], None]) -> Iterator[None]:
    """Two labs that want the same image wait for each other."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            must_wait()
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _build(folder: Path, mirror: Mirror | None, text: str, one: Recipe) -> None:
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix="part-"))
    part.chmod(0o755)
    try:
        sources = mirror.sources(one.suite) if mirror else []
        hooks = [f"upload {path} {where}/{path.name}" for path, where in one.uploads.items()]
        argv = ["mmdebstrap", "--mode=root", f"--variant={one.variant}", f"--include={','.join(one.packages)}"]
        argv += [f"--aptopt={option}" for option in one.apt_options]
        argv += [f"--customize-hook={hook}" for hook in hooks]
        if one.files:
            words = " ".join(one.arguments)
            argv += [f'--customize-hook={one.files / "customize"} "$1" {words}']
        argv += [one.suite, str(part / "root"), *sources]
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


if __name__ == "__main__":  # script/bootstrap, by the system's own Python: no package and nothing newer than 3.11
    ensure_image(print)
