"""The HTTP endpoint: moto behind a thin WSGI layer that refuses, answers and tells as EC2 would."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from lab.api.calls import Call, read_call
from lab.api.refusals import Refusal, refuse
from lab.config import LabConfig
from lab.errors import LabError
from lab.observe import observe

ORDER_PATH = "/_lab/"
# EC2 keeps the most recent 64 KB: API_GetConsoleOutput.
CONSOLE_BYTES = 64 * 1024

StartResponse = Callable[..., Any]


class Api:
    """WSGI application; `tell` hears of every call that may have changed something."""

    def __init__(
        self,
        config: LabConfig,
        *,
        tell: Callable[[Call], None],
        console: Callable[[str], bytes],
        orders: Mapping[str, Callable[..., dict[str, Any]]],
    ) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._tell, self._console, self._orders = tell, console, orders
        self._log = (config.run_dir / "calls.jsonl").open("a", buffering=1)
        self._log_lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(ORDER_PATH):
            return self._order(path.removeprefix(ORDER_PATH), environ, start_response)
        call = read_call(environ)
        started = time.monotonic()
        statuses: list[str] = []

        def remember(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, headers, *rest)

        try:
            return self._answer(call, environ, remember)
        finally:
            self._note(call, statuses[-1] if statuses else "", time.monotonic() - started)

    def _order(self, name: str, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        """What the command `lab` asks of its process; no AWS tool sees it."""
        given = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or "{}")
        try:
            status, reply = "200 OK", self._orders[name](**given)
        except LabError as error:
            status, reply = "400 Bad Request", {"message": error.message, "hint": error.hint}
        body = json.dumps(reply).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, call: Call, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if call.service == "ec2":
            if refusal := refuse(call, observe()):
                return _send_xml(start_response, "400 Bad Request", _refusal_xml(refusal))
            if call.action == "GetConsoleOutput":
                return self._console_output(call, environ, start_response)
        answer: Iterable[bytes] = list(self._moto(environ, start_response))
        if call.mutating:
            self._tell(call)
        return answer

    def _console_output(self, call: Call, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        instance_id = call.parameters.get("InstanceId", "")
        if instance_id not in {one.id for one in observe().instances}:
            return list(self._moto(environ, start_response))  # moto knows the error
        text = base64.b64encode(self._console(instance_id)[-CONSOLE_BYTES:]).decode()
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        body = (
            '<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            f"<requestId>{uuid.uuid4()}</requestId><instanceId>{escape(instance_id)}</instanceId>"
            f"<timestamp>{moment}</timestamp><output>{text}</output></GetConsoleOutputResponse>"
        )
        return _send_xml(start_response, "200 OK", body)

    def _note(self, call: Call, status: str, seconds: float) -> None:
        """One line per call, so that tests can read who asked for what and whether it could change anything."""
        line = {
            "time": datetime.now(UTC).isoformat(),
            "service": call.service,
            "action": call.action,
            "mutating": call.mutating,
            "status": status.partition(" ")[0],
            "ms": round(seconds * 1000, 1),
        }
        with self._log_lock:
            self._log.write(json.dumps(line) + "\n")


def _refusal_xml(refusal: Refusal) -> str:
    return (
        f"<Response><Errors><Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
        f"</Error></Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
    )


def _send_xml(start_response: StartResponse, status: str, xml: str) -> list[bytes]:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}'.encode()
    start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]


def serve(config: LabConfig, api: Api) -> BaseWSGIServer:
    """Start answering on loopback in a thread of its own; return the server, so that it can be shut down."""
    server = make_server("127.0.0.1", config.port, api, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
