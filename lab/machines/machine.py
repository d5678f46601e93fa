"""One running machine: a systemd-nspawn process on its disk, in its own network namespace."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.apply.namespaces import NETNS_DIR
from lab.machines.cgroup import ControlGroup
from lab.machines.disk import Disk
from lab.model import Instance

# nspawn ends with this status when the machine rebooted itself (systemd-nspawn(1), EXIT STATUS).
REBOOT_STATUS = 133
# EC2 pulls the power when an orderly shutdown takes too long.
SHUTDOWN_DEADLINE_SECONDS = 60.0


@dataclass
class Machine:
    """A machine with power. `exited` is called once, from another thread, when the power is gone."""

    instance: Instance
    disk: Disk
    namespace: str
    group: ControlGroup
    exited: Callable[[Machine], None]
    restart: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _deadline: float | None = field(default=None, init=False)

    def boot(self) -> None:
        with self.disk.console.open("ab") as console:
            self._process = subprocess.Popen(
                self.group.enter(self._command()), stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                # Without it net.* is read-only inside, and a NAT instance cannot forward.
                env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
            )  # fmt: skip
        threading.Thread(target=self._watch, daemon=True).start()

    def _command(self) -> list[str]:
        return [
            "systemd-nspawn", "--quiet", "--boot", f"--directory={self.disk.root}", f"--machine={self.instance.id}",
            f"--hostname={self.instance.hostname}", "--register=no", "--keep-unit", "--setenv=TERM=dumb",
            f"--network-namespace-path={NETNS_DIR / self.namespace}", "--capability=CAP_NET_ADMIN",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only",
        ]  # fmt: skip

    def _watch(self) -> None:
        assert self._process is not None
        status = self._process.wait()
        self.restart = self.restart or status == REBOOT_STATUS
        self.disk.unmount()
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
            self._process.send_signal(signal.SIGTERM)

    def enforce(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.kill()

    def kill(self) -> None:
        """End nspawn; its payload dies with it."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
