"""The admin server: health, metrics, status, explanations, and the two changes one makes in a hurry. Runs in the supervisor's loop.

Errors are ``application/problem+json`` (RFC 9457) with one more member, ``mend``: what to do about it.
"""

import asyncio
import contextlib
import json
import math
import socket
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stranglerfig import __version__
from stranglerfig.compare.reading import StoreError, read_example
from stranglerfig.compare.store import STORE_NAME
from stranglerfig.compare.triage_file import read_triaged
from stranglerfig.config.model import Stage
from stranglerfig.config.scalar import Percent
from stranglerfig.control import metrics
from stranglerfig.control.explaining import ExplainBody, explain_all
from stranglerfig.control.guard import MAX_BODY_BYTES, Guard
from stranglerfig.control.live import live
from stranglerfig.control.refusal import ChangeError
from stranglerfig.control.status import View

log = structlog.get_logger(__name__)

# Raised when a caller that was written for an earlier one would misread an answer.
API_VERSION = 1

_Text = Annotated[
    str,
    # One line without control characters: it is printed on terminals and kept for good.
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    capability: str
    why: _Text
    who: _Text = "admin API"


class SetBody(_Body):
    """``POST /api/set``."""

    stage: Stage
    percent: Percent | None = None


class AbortBody(_Body):
    """``POST /api/abort``."""

    why: _Text = "abort"


class AdminServer:
    """Serves the admin address until stopped."""

    def __init__(self, view: View, guard: Guard, sock: socket.socket) -> None:
        app = _Api(view).app(guard)
        self._server = _Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", server_header=False
            )
        )
        self._socket = sock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Serve in the running loop."""
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="admin")

    async def stop(self) -> None:
        """Finish what is being answered, for a second at most, and let go of the address."""
        self._server.should_exit = True
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=1.0)
            if not done:
                self._server.force_exit = True
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the supervisor."""
        yield


class _Api:
    """The routes."""

    def __init__(self, view: View) -> None:
        self._view = view

    def app(self, guard: Guard) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self.index),
                Route("/livez", self.livez),
                Route("/readyz", self.readyz),
                Route("/metrics", self.metrics),
                Route("/api/status", self.status),
                Route("/api/config", self.config),
                Route("/api/explain", self.explain, methods=["POST"]),
                Route("/api/live/{name}", self.live),
                Route("/api/set", self.set, methods=["POST"]),
                Route("/api/abort", self.abort, methods=["POST"]),
                Route("/api/diffs", self.diffs),
                Route("/api/diffs/{number:int}", self.diff),
            ],
            middleware=[Middleware(_Guarded, guard=guard)],
            exception_handlers={
                ChangeError: _change_problem,
                HTTPException: _http_problem,
                ValidationError: _body_problem,
                StoreError: _store_problem,
                500: _own_problem,
            },
        )

    async def index(self, request: Request) -> Response:
        """This list, and the versions of the proxy and of this API."""
        routes = [route for route in request.app.routes if isinstance(route, Route)]
        return JSONResponse(
            {
                "name": "stranglerfig",
                "version": __version__,
                "api": API_VERSION,
                "paths": [
                    {
                        "path": route.path.replace("{number:int}", "ID").replace(
                            "{name}", "CAPABILITY"
                        ),
                        "method": "POST" if "POST" in (route.methods or ()) else "GET",
                        "about": (route.endpoint.__doc__ or "").strip(),
                    }
                    for route in routes
                ],
            }
        )

    async def livez(self, _: Request) -> Response:
        """Whether the supervisor answers; open."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _: Request) -> Response:
        """Whether every worker uses the current generation; open."""
        view = self._view
        generation = view.changes.running.generation
        late = [seat.slot for seat in view.fleet.workers if seat.generation < generation]
        if view.is_ready() and not late:
            return PlainTextResponse("ok\n")
        return PlainTextResponse(f"not ready: workers {late} are behind\n", status_code=503)

    async def metrics(self, _: Request) -> Response:
        """Metrics in Prometheus' text form."""
        return Response(metrics.render(self._view), media_type=CONTENT_TYPE_LATEST)

    async def status(self, _: Request) -> Response:
        """What runs."""
        return JSONResponse(self._view.status())

    async def config(self, _: Request) -> Response:
        """The config that runs, as it may be written."""
        return JSONResponse(self._view.config())

    async def explain(self, request: Request) -> Response:
        """Where requests would go: {"requests": [{"method", "path"}, …]}, as fig explain --json says it; sends nothing."""
        body = ExplainBody.model_validate(await _json(request))
        # In a thread: with a long fig.yaml a batch takes a while, and the supervisor has more to do.
        return JSONResponse(await asyncio.to_thread(explain_all, body, self._view.changes.running))

    async def live(self, request: Request) -> Response:
        """What stands behind explanations now, of one capability or of - (what none claims): upstreams, lag, the last minutes."""
        name = request.path_params["name"]
        found = live(self._view, name)
        if found is None:
            raise HTTPException(404, f"there is no capability {name!r}")
        return JSONResponse(found)

    async def set(self, request: Request) -> Response:
        """Change a stage: {"capability", "stage", "percent"?, "why", "who"?}; answers when it is effective."""
        body = SetBody.model_validate(await _json(request))
        # Shielded: a caller that hangs up must not leave a change half made.
        return JSONResponse(
            await asyncio.shield(
                self._view.changes.set(
                    body.capability, body.stage, body.percent, who=body.who, why=body.why
                )
            )
        )

    async def abort(self, request: Request) -> Response:
        """Send a capability back to the monolith: {"capability", "why"?, "who"?}."""
        body = AbortBody.model_validate(await _json(request))
        return JSONResponse(
            await asyncio.shield(
                self._view.changes.abort(body.capability, who=body.who, why=body.why)
            )
        )

    async def diffs(self, request: Request) -> Response:
        """Differences that the comparer stored, and how each stands: ?capability=NAME, ?since=EPOCH_SECONDS."""
        since = request.query_params.get("since", "0")
        try:
            since_s = float(since)
        except ValueError:
            since_s = math.nan
        if not math.isfinite(since_s):
            raise HTTPException(400, f"since={since!r} is no number of epoch seconds")
        found = await asyncio.to_thread(
            read_triaged,
            self._view.state_dir,
            capability=request.query_params.get("capability"),
            since=since_s,
        )
        return JSONResponse(
            {"clusters": [{**_plain(each.cluster), **each.to_dict()} for each in found]}
        )

    async def diff(self, request: Request) -> Response:
        """One of them, with examples."""
        number = request.path_params["number"]
        found = await asyncio.to_thread(
            read_example, self._view.state_dir / STORE_NAME, min(number, 2**63 - 1)
        )
        if found is None:
            raise HTTPException(404, f"there is no cluster of differences number {number}")
        return JSONResponse(_plain(found))


class _Guarded:
    """Asks the guard before any route runs, and stops bodies that are too long while they are read."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        denial = self._guard.denial(scope["method"], scope["path"], headers)
        if denial is not None:
            extra = {"WWW-Authenticate": "Bearer"} if denial.status == 401 else None
            response = problem(denial.status, denial.detail, denial.mend, headers=extra)
            await response(scope, receive, send)
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                raise HTTPException(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
            return message

        await self._app(scope, bounded, send)


def problem(
    status: int,
    detail: str,
    mend: str,
    *,
    problems: tuple[str, ...] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Make an error answer (RFC 9457)."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "status": status,
        "detail": detail,
        "mend": mend,
    }
    if problems:
        content["problems"] = list(problems)
    return JSONResponse(
        content, status_code=status, headers=headers, media_type="application/problem+json"
    )


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is no JSON: {error}") from None


async def _change_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ChangeError)
    return problem(error.status, str(error), error.mend, problems=error.problems)


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    mends = {404: "GET / lists the paths of the admin API", 405: "use the other method"}
    mend = mends.get(error.status_code, "send the request as the README shows it")
    return problem(error.status_code, error.detail, mend, headers=dict(error.headers or {}))


async def _body_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    problems = tuple(
        f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors()
    )
    return problem(422, "the body has mistakes", "mend what `problems` lists", problems=problems)


async def _store_problem(_: Request, error: Exception) -> Response:
    return problem(503, str(error), "see the comparer's log")


async def _own_problem(request: Request, error: Exception) -> Response:
    log.error("admin_request_failed", path=request.url.path, error=repr(error))
    return problem(500, "the admin server failed at this request", "see the log of fig serve")


def _plain(value: Any) -> Any:
    to_dict = getattr(value, "to_dict", None)
    return to_dict() if to_dict is not None else asdict(value)
