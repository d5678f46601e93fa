"""The page of a living environment, and the application that can be told to fail."""

from __future__ import annotations

import hashlib
import http.client
import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from .living import Living

Say = Callable[[object], None]


class Web:
    """What a visitor does, and what root does on the public machine."""

    settings: Mapping[str, object] = {
        "nginx_proxy_websocket_paths": ["/chat/"],
        "nginx_proxy_static_folders": {"/static/": "/srv/static"},
    }

    def __init__(self, site: Living) -> None:
        self.site, self.address = site, site.address()

    def root(self, command: str) -> str:
        return self.site.ssh("public", f"sudo sh -c {shlex.quote(command)}").strip()

    def ask(
        self, path: str = "/", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, http.client.HTTPMessage]:
        line = http.client.HTTPConnection(self.address, timeout=30)
        try:
            line.request("POST" if body else "GET", path, body, headers or {})
            answer = line.getresponse()
            return answer.status, answer.read().decode(errors="replace"), answer.headers
        finally:
            line.close()

    def is_well(self) -> bool:
        try:
            return self.ask()[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def configure(self, role: str, **variables: object) -> int:
        """Apply the role, and say how many tasks changed something."""
        done = self.site.play("configure_public", "--tags", role, "-e", json.dumps(variables)).check()
        return sum(done.changed.values())

    def refuse(self, playbook: str, *more: str) -> str:
        """Run what must fail, and give what it says, on one line."""
        done = self.site.play(playbook, *more)
        assert done.status != 0, done.output[-4000:]
        return " ".join(done.output.split())

    def deploy(self, application: Path) -> None:
        self.site.play("deploy", "-e", f"app_war={application}").check()


def version(folder: Path, name: str, *, page: str = "", start: str = "", extra: str = "") -> Path:
    """A copy of the application that says which it is; more for its page, its start and its web.xml."""
    made = folder / name
    shutil.copytree(Path(__file__).parent / "probe", made)
    text = (made / "WEB-INF/probe.jsp").read_text().replace("version 1", f"version {name}")
    text = text.replace("    ServerContainer sockets", f"    {start}\n    ServerContainer sockets", 1)
    (made / "WEB-INF/probe.jsp").write_text(text.replace("<%\n  String what", f"<%\n{page}\n  String what", 1))
    descriptor = made / "WEB-INF/web.xml"
    descriptor.write_text(descriptor.read_text().replace("<servlet>", f"{extra}<servlet>"))
    return made


def war(application: Path, target: Path) -> str:
    """Pack it, and give the checksum of what came out."""
    Path(shutil.make_archive(str(target), "zip", application)).rename(target)
    return hashlib.sha256(target.read_bytes()).hexdigest()
