"""The side that people and tests read: two pages, and the same as JSON. It only reads."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from host_guard import OwnHosts
from mail_catcher.box import Box, Taken
from mail_catcher.page import show_list, show_mail, show_nothing_there
from mail_catcher.reading import listed, told

MOST_AT_ONCE = 1000


class Api:
    """The routes."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._reading = asyncio.Lock()

    def app(self, hosts: frozenset[str]) -> Starlette:
        """What answers those who ask for one of ``hosts`` or for an address."""
        return Starlette(
            routes=[
                Route("/livez", self.livez),
                Route("/", self.page),
                Route("/mails/{number:int}", self.mail_page),
                Route("/api/mails", self.mails),
                Route("/api/mails/{number:int}", self.mail),
                Route("/api/mails/{number:int}/source", self.source),
            ],
            middleware=[Middleware(OwnHosts, hosts, "MAIL_CATCHER_HOSTS")],
        )

    async def livez(self, _: Request) -> Response:
        # Reads, so that a box whose file is gone or locked is told.
        await run_in_threadpool(self._box.get, 0)
        return PlainTextResponse("ok\n")

    async def page(self, request: Request) -> Response:
        to = request.query_params.get("to") or None
        return show_list(await run_in_threadpool(self._box.newest, to=to), to)

    async def mail_page(self, request: Request) -> Response:
        return await self._read(request, show_mail, show_nothing_there)

    async def mails(self, request: Request) -> Response:
        """``to``: for one address; ``after``: with a higher number; ``limit``: so many, the newest first."""
        asked = request.query_params
        wrong: dict[str, str] = {}
        after = _number(asked.get("after", "0"), 2**63 - 1)
        limit = _number(asked.get("limit", "100"), MOST_AT_ONCE)
        if after is None:
            wrong["after"] = "must be the number of a mail"
        if not limit:
            wrong["limit"] = f"must be from 1 to {MOST_AT_ONCE}"
        if after is None or not limit:
            return _problem(422, "the request has mistakes", errors=wrong)
        mails = await run_in_threadpool(
            self._box.newest, to=asked.get("to") or None, after=after, limit=limit
        )
        return JSONResponse({"mails": [listed(mail) for mail in mails]})

    async def mail(self, request: Request) -> Response:
        return await self._read(request, lambda mail: JSONResponse(told(mail)), _no_such_mail)

    async def source(self, request: Request) -> Response:
        found = await self._find(request)
        if found is None:
            return _no_such_mail()
        # As text, never as what it claims to be: a browser must not run what a mail holds.
        headers = {"X-Content-Type-Options": "nosniff"}
        return Response(found.content, 200, headers, "text/plain; charset=utf-8")

    async def _read(
        self, request: Request, show: Callable[[Taken], Response], none: Callable[[], Response]
    ) -> Response:
        # In a thread, since a mail may take seconds to read; one at a time, since it may take ten times its size.
        async with self._reading:
            found = await self._find(request)
            return none() if found is None else await run_in_threadpool(show, found)

    async def _find(self, request: Request) -> Taken | None:
        number: int = request.path_params["number"]
        return await run_in_threadpool(self._box.get, number) if number < 2**63 else None


def _number(text: str, most: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    number = int(text)
    return number if number <= most else None


def _no_such_mail() -> Response:
    return _problem(404, "there is no such mail, or no longer")


def _problem(status: int, detail: str, **more: Any) -> Response:
    return JSONResponse(
        {"status": status, "detail": detail, **more}, status, media_type="application/problem+json"
    )
