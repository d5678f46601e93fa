"""One running HAProxy in a load balancer's namespace: configured, told of its targets, replaced without a gap."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from lab.elb.proxy_config import SLOTS, point
from lab.errors import LabError
from lab.run import in_namespace

START_DEADLINE_SECONDS = 10.0
ANSWER_SECONDS = 5.0
# The image is read-only to it but for /run, which is the proxy's own folder.
RUN_INSIDE = 'mount --bind "$1" "$2/run" && shift && exec chroot "$@"'
Place = tuple[IPv4Address, int]


@dataclass
class Proxy:
    """Not for several threads."""

    namespace: str
    image: Path
    folder: Path
    _text: str = ""
    _process: subprocess.Popen[bytes] | None = None
    _former: list[subprocess.Popen[bytes]] = field(default_factory=list)  # that end with their last connection
    _slots: dict[str, list[Place | None]] = field(default_factory=dict)

    @property
    def socket(self) -> Path:
        return self.folder / "proxy.sock"

    def follow(self, text: str) -> None:
        """Make this its configuration; a proxy that died is started again."""
        self._former = [one for one in self._former if one.poll() is None]
        if text == self._text and self._process and self._process.poll() is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "proxy.cfg").write_text(text)
        self._start()
        self._text, self._slots = text, {}

    def _start(self) -> None:
        argv = ["haproxy", "-db", "-f", "/run/proxy.cfg"]
        former = self._process if self._process and self._process.poll() is None else None
        if former:
            argv += ["-x", "/run/proxy.sock", "-sf", str(former.pid)]
            self._former.append(former)
        else:
            self.socket.unlink(missing_ok=True)
        inside = ["sh", "-c", RUN_INSIDE, "proxy", str(self.folder), str(self.image), *argv]
        with (self.folder / "proxy.log").open("ab") as log:
            self._process = subprocess.Popen(
                in_namespace(self.namespace, inside), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_DEADLINE_SECONDS
        while self._pid_that_answers() != self._process.pid:
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "proxy.log").read_text().strip().splitlines()[-3:]
                raise LabError(f"the proxy in {self.namespace} did not start: {' '.join(said) or 'it said nothing'}")
            time.sleep(0.02)

    def _pid_that_answers(self) -> int:
        with contextlib.suppress(OSError):
            for line in self.tell("show info").splitlines():
                if line.startswith("Pid:"):
                    return int(line.partition(":")[2])
        return 0

    def tell(self, orders: str) -> str:
        """Give the running proxy orders, and return its answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.settimeout(ANSWER_SECONDS)
            stream.connect(str(self.socket))
            stream.sendall(f"{orders}\n".encode())
            answer = b""
            while block := stream.recv(1 << 16):
                answer += block
            return answer.decode()

    def aim(self, group: str, places: frozenset[Place]) -> None:
        """Let a target group lead to these targets and to no others."""
        slots = self._slots.setdefault(group, [None] * SLOTS)
        changed = []
        for number, place in enumerate(slots):
            if place is not None and place not in places:
                slots[number] = None
                changed.append(number)
        for place in sorted(places - set(slots)):
            if None in slots:
                number = slots.index(None)
                slots[number] = place
                changed.append(number)
        if changed:
            self.tell(";".join(point(group, number + 1, slots[number]) for number in sorted(set(changed))))

    def busy(self, place: Place) -> bool:
        """Whether a request is under way with this target."""
        rows = (line.split() for line in self.tell("show servers conn").splitlines())
        # bkname/svname bkid/svid addr port - purge used ...
        used = [row for row in rows if len(row) > 6 and row[2:4] == [str(place[0]), str(place[1])]]
        return any(row[6] != "0" for row in used)

    def stop(self) -> None:
        for process in (*self._former, *filter(None, [self._process])):
            if process.poll() is None:
                process.kill()
            process.wait()
