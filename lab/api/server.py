"""The HTTP endpoint: moto behind a thin WSGI layer that refuses, answers and tells as EC2 would."""

from __future__ import annotations

import base64
import json
import logging
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from lab.api import replies
from lab.api.account import account, is_region
from lab.api.calls import Call, read_call, rewrite
from lab.api.canonical import canonical
from lab.api.faults import Harm
from lab.api.fresh import hide_unseen, made, refuse_unseen
from lab.api.journal import Journal, journal_path
from lab.api.launches import machines_to_launch
from lab.api.manners import Manners
from lab.api.refusal import Refusal
from lab.api.refusals import RULES, refuse
from lab.api.replies import Reply
from lab.config import LabConfig
from lab.errors import LabError
from lab.observe import observe

ORDER_PATH = "/_lab/"
# EC2 keeps the most recent 64 KB: API_GetConsoleOutput.
CONSOLE_BYTES = 64 * 1024

LOG = logging.getLogger("lab")
Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Api:
    """WSGI application: faults, EC2's manners, moto; `tell` hears of calls that may have changed something."""

    def __init__(
        self,
        config: LabConfig,
        *,
        tell: Callable[[Call], None],
        console: Callable[[str], bytes],
        manners: Manners,
        orders: Mapping[str, Callable[..., dict[str, Any]]],
    ) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._tell, self._console = tell, console
        self._manners = manners
        self._log = config.log_file
        self._orders = {**orders, **manners.orders}
        self._journal = Journal(journal_path(config))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(ORDER_PATH):
            return self._order(path.removeprefix(ORDER_PATH), environ).send(start_response)
        call = read_call(environ)
        started = time.monotonic()
        harm = self._manners.faults.consider(call)
        time.sleep(harm.delay_ms / 1000)
        reply = self._suffer(call, harm, environ)
        self._journal.note(
            call,
            status=reply.number if reply else 0,
            error=reply.error if reply else "",
            faults=harm.names,
            seconds=time.monotonic() - started,
        )
        if reply is None:
            _hang_up(environ)
            return []
        return reply.send(start_response)

    def _order(self, name: str, environ: Environ) -> Reply:
        """What the command `lab` asks of its process; no AWS tool sees it."""
        given = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or "{}")
        try:
            return replies.as_json(self._orders[name](**given))
        except LabError as error:
            return replies.as_json({"message": error.message, "hint": error.hint}, 400)
        except Exception as error:
            LOG.exception("the order %s failed", name)
            said = {"message": f"the lab failed at {name}: {error!r}", "hint": f"read {self._log}; then report it"}
            return replies.as_json(said, 500)

    def _suffer(self, call: Call, harm: Harm, environ: Environ) -> Reply | None:
        """The answer as the faults leave it; None if it never arrives."""
        if refused := harm.error(call):
            return replies.error(call, *refused)
        if harm.loses == "request":
            return None
        try:
            reply = self._answer(call, environ)
        except Exception:
            # What the lab cannot do must neither kill the answer nor stay unseen.
            LOG.exception("failed at %s:%s", call.service, call.action)
            reply = replies.error(call, 500, "InternalError", "An internal error has occurred.")
        return None if harm.loses == "reply" else reply

    def _answer(self, call: Call, environ: Environ) -> Reply:
        if call.service == "ec2" and not is_region(call.region):
            message = f"Credential should be scoped to a valid region, not '{call.region}'."
            return replies.error(call, 401, "AuthFailure", message)
        if call.service == "ec2":
            answer = self._manners.tokens.once(call, lambda: self._answer_ec2(call, environ))
            return _refused(call, answer) if isinstance(answer, Refusal) else answer
        return self._ask_moto(call, environ)

    def _answer_ec2(self, call: Call, environ: Environ) -> Reply:
        pace = self._manners.pace
        pace.settle()
        parameters = canonical(call)
        if isinstance(parameters, Refusal):
            return _refused(call, parameters)
        if parameters != call.parameters:
            call = replace(call, parameters=parameters)
            rewrite(environ, parameters)
        if refusal := refuse_unseen(call, pace) or self._refuse(call, environ):
            return _refused(call, refusal)
        if call.action == "GetConsoleOutput" and (output := self._console_output(call)):
            return output
        if hidden := hide_unseen(call, pace):
            rewrite(environ, hidden)
        reply = self._ask_moto(call, environ)
        if reply.good:
            for resource in made(call, reply.body):
                pace.bear(resource)
        return reply

    def _refuse(self, call: Call, environ: Environ) -> Refusal | None:
        if call.action not in RULES and not call.dry_run:
            return None  # observing costs time, and most calls are reads
        now = account(call.region, self._manners.quotas)
        refusal = refuse(call, now)
        if refusal is None and call.action == "RunInstances":
            # moto makes MinCount machines, EC2 as many as it can.
            rewrite(environ, {**call.parameters, "MinCount": str(machines_to_launch(call, now))})
        return refusal

    def _ask_moto(self, call: Call, environ: Environ) -> Reply:
        try:
            reply = replies.collect(self._moto, environ)
        except (NotImplementedError, AttributeError, KeyError):
            # So moto stumbles over a filter that it does not know, which mostly is none.
            names = [value for key, value in call.parameters.items() if re.fullmatch(r"Filter\.\d+\.Name", key)]
            if call.mutating or not names:
                raise
            LOG.exception("moto could not filter by %s", names)
            return replies.error(call, 400, "InvalidParameterValue", f"The filter '{' '.join(names)}' is invalid")
        if call.mutating:
            self._tell(call)
        return reply

    def _console_output(self, call: Call) -> Reply | None:
        """None for an instance that is not there: moto knows the error."""
        instance_id = call.parameters.get("InstanceId", "")
        if instance_id not in {one.id for one in observe(call.region).instances}:
            return None
        text = base64.b64encode(self._console(instance_id)[-CONSOLE_BYTES:]).decode()
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return replies.xml(
            '<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            f"<requestId>{uuid.uuid4()}</requestId><instanceId>{escape(instance_id)}</instanceId>"
            f"<timestamp>{moment}</timestamp><output>{text}</output></GetConsoleOutputResponse>"
        )


def _refused(call: Call, refusal: Refusal) -> Reply:
    return replies.error(call, refusal.number, refusal.code, refusal.message)


def _hang_up(environ: Environ) -> None:
    """End the connection without a byte; the server takes the error for a client that went away."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def serve(config: LabConfig, api: Api) -> BaseWSGIServer:
    """Start answering on loopback in a thread of its own; return the server, so that it can be shut down."""
    server = make_server("127.0.0.1", config.port, api, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
