"""One running machine: a systemd-nspawn process on its disk, in its own network namespace."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab.apply.namespaces import NETNS_DIR
from lab.machines.cgroup import ControlGroup
from lab.machines.disk import Disk
from lab.machines.sizes import write_meminfo
from lab.model import Instance

# nspawn ends with this status when the machine rebooted itself (systemd-nspawn(1), EXIT STATUS).
REBOOT_STATUS = 133
# systemd(1): start halt.target.
HALT = signal.SIGRTMIN + 3
# EC2 pulls the power when an orderly shutdown takes too long.
SHUTDOWN_DEADLINE_SECONDS = 60.0


@dataclass
class Machine:
    """A machine with power. `exited` is called once, from another thread, when the power is gone."""

    instance: Instance
    disk: Disk
    namespace: str
    group: ControlGroup
    memory_mib: int | None
    exited: Callable[[Machine], None]
    unified_cgroups: bool = False
    restart: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _deadline: float | None = field(default=None, init=False)

    def boot(self) -> None:
        """Switch the power on; returns at once."""
        argv = self.group.enter(self.disk.enter(self._command()))
        if self.memory_mib:
            write_meminfo(self._meminfo, self.memory_mib)
            self.group.limit_memory(self.memory_mib)
        with self.disk.console.open("ab") as console:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                # Without it net.* is read-only inside, and a NAT instance cannot forward.
                env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network", **self._cgroups()},
            )  # fmt: skip
        threading.Thread(target=self._watch, daemon=True).start()

    def _cgroups(self) -> dict[str, str]:
        """systemd(1) before version 258 takes over what the host has; later ones need version 2 of cgroups."""
        return {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if self.unified_cgroups else {}

    def _command(self) -> list[str]:
        return [
            "systemd-nspawn", "--quiet", "--boot", f"--directory={self.disk.root}", f"--machine={self.instance.id}",
            f"--hostname={self.instance.hostname}", "--register=no", "--keep-unit", "--setenv=TERM=dumb",
            f"--network-namespace-path={NETNS_DIR / self.namespace}", "--capability=CAP_NET_ADMIN",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only",
            # The image's own-memory.service lays it over /proc/meminfo, which nspawn cannot.
            *([f"--bind-ro={self._meminfo}:/run/meminfo"] if self.memory_mib else []),
        ]  # fmt: skip

    @property
    def _meminfo(self) -> Path:
        return self.disk.folder / "meminfo"

    @property
    def leader(self) -> int | None:
        """The process id of the machine's init, as this host sees it."""
        if self._process is None:
            return None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        words = children.read_text().split() if children.exists() else []
        return int(words[0]) if words else None

    def _watch(self) -> None:
        assert self._process is not None
        status = self._process.wait()
        self.restart = self.restart or status == REBOOT_STATUS
        self.disk.wait_until_free()
        self.group.remove()
        self.exited(self)

    @property
    def by_itself(self) -> bool:
        """Whether nobody asked the machine to go: somebody inside switched it off."""
        return self._deadline is None and not self.restart

    def shut_down(self, *, restart: bool = False) -> None:
        """Ask the machine's init to halt; `enforce` pulls the power if it does not."""
        assert self._process is not None
        self.restart = restart
        if self._deadline is None:
            self._deadline = time.monotonic() + SHUTDOWN_DEADLINE_SECONDS
            self.enforce()

    def enforce(self) -> None:
        """Ask again, since an init that has hardly begun hears nothing; in the end pull the power."""
        if self._deadline is None:
            return
        if time.monotonic() > self._deadline:
            self.kill()
        elif leader := self.leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(leader, HALT)

    def cut_power(self) -> None:
        """A power cut: what the disk did not have is lost, and nobody is asked."""
        assert self._process is not None
        self.disk.cut_power(self._process.pid)
        self.kill()

    def fill_disk(self, *, full: bool) -> None:
        """Take every free block of the disk, or give them back."""
        assert self._process is not None
        self.disk.fill(self._process.pid, full=full)

    def kill(self) -> None:
        """End the machine's init, and with it all its processes; nspawn's own death would leave them running."""
        if self._process is None or self._process.poll() is not None:
            return
        if leader := self.leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(leader, signal.SIGKILL)
        self._process.kill()
