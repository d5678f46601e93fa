"""The lab's API without its machines and without root: `python -m tests.network.bare_api FOLDER`.

It can do two things that the lab cannot. After each call that changed something it can keep the account as it is at
that moment, as a process of its own (`keep`): what a controller finds that comes back after a crash. And it can hold
a call back (`hold`), so that the controller can be killed just there.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

# moto reads it when it is imported.
os.environ["MOTO_AMIS_PATH"] = str(Path(__file__).resolve().parents[2] / "lab/data/amis.json")

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from lab.api.calls import read_call
from lab.api.journal import Journal, journal_path
from lab.api.manners import Manners
from lab.api.moto_fixes import apply_fixes
from lab.api.server import Api, Environ, StartResponse
from lab.config import LabConfig


@dataclass(frozen=True)
class BareConfig(LabConfig):
    """Everything of it stands in one folder."""

    folder: Path = field(default=Path())

    @property
    def run_dir(self) -> Path:
        return self.folder


def console(instance_id: str) -> bytes:
    """What cloud-init prints of the host keys; a key of no machine."""
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + b"\0\0\0\x20" + sha256(instance_id.encode()).digest()
    key = f"{kind.decode()} {base64.b64encode(blob).decode()} root@{instance_id}"
    return f"-----BEGIN SSH HOST KEY KEYS-----\n{key}\n-----END SSH HOST KEY KEYS-----\n".encode()


class BareApi(Api):
    """Counts the calls that changed something, and stops time after them."""

    def __init__(self, config: BareConfig, server: list[BaseWSGIServer]) -> None:
        orders: dict[str, Callable[..., dict[str, Any]]] = {"keep": self._keep, "hold": self._hold}
        super().__init__(config, tell=lambda call: None, console=console, manners=Manners(), orders=orders)
        apply_fixes(config, self._manners.pace)
        self._folder, self._server = config.folder, server
        self._count, self._keeps, self._held = 0, False, ""
        self._turn = threading.Lock()

    def _keep(self, *, keep: bool) -> dict[str, Any]:
        self._keeps = keep
        return {}

    def _hold(self, *, action: str) -> dict[str, Any]:
        """Let such a call wait before it is done; with no action: go on."""
        self._held = action
        return {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith("/_lab/"):
            return super().__call__(environ, start_response)
        call = read_call(environ)
        while self._held == call.action:
            (self._folder / "held").touch()
            time.sleep(0.05)
        status: list[str] = []

        def note(line: str, *rest: Any) -> Any:
            status.append(line)
            return start_response(line, *rest)

        # A copy has no other threads: while copies are made, none may be in the middle of something.
        with self._turn if self._keeps else contextlib.nullcontext():
            answer = super().__call__(environ, note)
            changed = call.mutating and bool(status) and status[0].startswith("200")
            self._count += changed
            if changed and self._keeps and os.fork() == 0:
                environ["werkzeug.socket"].close()
                self._live_on(self._folder / f"{self._count:03}-{call.action}")
        return answer

    def _live_on(self, folder: Path) -> None:
        """Be that moment: serve it to whoever asks, until it is ended."""
        self._server[0].socket.close()
        folder.mkdir()
        self._folder, self._keeps, self._held = folder, False, ""
        self._turn = threading.Lock()
        self._journal = Journal(journal_path(BareConfig(folder=folder)))
        serve(self, self._server, folder)
        os._exit(0)


def serve(api: BareApi, server: list[BaseWSGIServer], folder: Path) -> None:
    """Answer on a free port of loopback, written to the folder, until the folder is gone."""
    server[:] = [make_server("127.0.0.1", 0, api, threaded=True, request_handler=MotoRequestHandler)]
    threading.Thread(target=server[0].serve_forever, daemon=True).start()
    state = folder / "state.json.new"
    state.write_text(json.dumps({"port": server[0].server_port, "pid": os.getpid()}))
    state.rename(folder / "state.json")
    while folder.exists():
        time.sleep(0.5)


if __name__ == "__main__":
    here = Path(sys.argv[1])
    running: list[BaseWSGIServer] = []
    with contextlib.suppress(KeyboardInterrupt):
        serve(BareApi(BareConfig(name="bare", folder=here), running), running, here)
