"""The gateway over HTTP. Views translate; ``charging`` does the work, in a thread, since it waits for the disk."""

import asyncio
import contextlib
import json
import logging
import re
from typing import Any
from urllib.parse import parse_qs

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from card_gateway.asked import AskedCharge, AskedRefund
from card_gateway.cards import Answer
from card_gateway.charging import Charging
from card_gateway.page import show_confirmation, show_no_answer, show_nothing_there
from card_gateway.problems import HANDLERS, problem
from card_gateway.showing import Decided, KeyReusedError, NoSuchChargeError
from host_guard import OwnHosts

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024
KEY = re.compile(r"[\x21-\x7e]{1,80}", re.ASCII)


class Api:
    """The routes. ``late_s`` is how long an answer takes that comes too late."""

    def __init__(self, charging: Charging, *, late_s: float) -> None:
        self._charging = charging
        self._late_s = late_s

    def app(self, hosts: frozenset[str]) -> Starlette:
        """What answers those who ask for one of ``hosts`` or for an address."""
        return Starlette(
            routes=[
                Route("/livez", self.livez),
                Route("/charges", self.find, methods=["GET"]),
                Route("/charges", self.charge, methods=["POST"]),
                Route("/charges/{charge}", self.get),
                Route("/charges/{charge}/refunds", self.refund, methods=["POST"]),
                Route("/cancellations/{key}", self.cancel, methods=["PUT"]),
                Route("/confirmations/{token}", self.confirmation, methods=["GET"]),
                Route("/confirmations/{token}", self.confirm, methods=["POST"]),
                Route("/ledger", self.ledger),
            ],
            middleware=[Middleware(OwnHosts, hosts, "CARD_GATEWAY_HOSTS")],
            exception_handlers=HANDLERS,
        )

    async def livez(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def charge(self, request: Request) -> Response:
        key = _key(request.headers.get("idempotency-key"))
        sent = await _json(request)
        try:
            asked = AskedCharge.model_validate(sent)
        except ValidationError:
            # "It has mistakes" would read as "nothing was charged".
            if await run_in_threadpool(self._charging.find, key):
                raise KeyReusedError from None
            raise
        return await self._answer(
            request, await run_in_threadpool(self._charging.charge, key, asked)
        )

    async def refund(self, request: Request) -> Response:
        key = _key(request.headers.get("idempotency-key"))
        asked = AskedRefund.model_validate(await _json(request))
        charge = request.path_params["charge"]
        decided = await run_in_threadpool(self._charging.refund, charge, key, asked)
        return await self._answer(request, decided)

    async def find(self, request: Request) -> Response:
        key = _key(request.query_params.get("key"))
        return JSONResponse({"charges": await run_in_threadpool(self._charging.find, key)})

    async def get(self, request: Request) -> Response:
        return JSONResponse(
            await run_in_threadpool(self._charging.get, request.path_params["charge"])
        )

    async def cancel(self, request: Request) -> Response:
        key = _key(request.path_params["key"])
        return JSONResponse(await run_in_threadpool(self._charging.cancel, key))

    async def confirmation(self, request: Request) -> Response:
        token = request.path_params["token"]
        try:
            return show_confirmation(await run_in_threadpool(self._charging.confirmation, token))
        except NoSuchChargeError:
            return show_nothing_there()

    async def confirm(self, request: Request) -> Response:
        token = request.path_params["token"]
        answer = parse_qs((await _body(request)).decode("latin-1")).get("answer")
        if answer not in (["yes"], ["no"]):
            return show_no_answer()
        try:
            said = await run_in_threadpool(self._charging.confirm, token, yes=answer == ["yes"])
        except NoSuchChargeError:
            return show_nothing_there()
        return RedirectResponse(said.return_url, 303, {"Referrer-Policy": "no-referrer"})

    async def ledger(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not re.fullmatch(r"[0-9]{1,18}", after):
            raise HTTPException(400, "`after` is the id of an entry")
        return JSONResponse(
            await run_in_threadpool(
                self._charging.entries,
                reference=request.query_params.get("reference"),
                after=int(after),
            )
        )

    async def _answer(self, request: Request, decided: Decided) -> Response:
        """Answer as the card wants it: in time, too late, broken, or not at all."""
        match decided.answer:
            case Answer.NEVER:
                log.info("holding a charge without charging it")
                await _until_gone(request, None)
                # Nobody reads this.
                return problem(503, "the gateway gave up on this request")
            case Answer.LATE:
                await _until_gone(request, self._late_s)
            case Answer.BROKEN:
                return problem(500, "the gateway failed at this request")
            case Answer.PROMPT:
                pass
        return JSONResponse(decided.shown, 201 if decided.is_new else 200)


async def _until_gone(request: Request, seconds: float | None) -> None:
    """Wait until the client has left, or for so long."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone(), seconds)


def _key(text: str | None) -> str:
    if text is None or not KEY.fullmatch(text):
        raise HTTPException(400, "a key of 1 to 80 visible ASCII characters is needed")
    return text


async def _json(request: Request) -> Any:
    try:
        return json.loads(await _body(request))
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
    return bytes(body)
