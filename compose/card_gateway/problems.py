"""Errors as ``application/problem+json`` (RFC 9457). None of them repeats what was sent."""

import logging

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from card_gateway.showing import KeyReusedError, NoSuchChargeError

log = logging.getLogger(__name__)

INVALID = "/problems/invalid"
KEY_REUSED = "/problems/key-reused"
NOT_FOUND = "/problems/not-found"


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    errors: dict[str, list[str]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """An error answer; ``errors`` says by field what is wrong."""
    content: dict[str, object] = {"type": kind, "status": status, "detail": detail}
    if errors:
        content["errors"] = errors
    return JSONResponse(
        content, status_code=status, headers=headers, media_type="application/problem+json"
    )


async def not_valid(_: Request, error: Exception) -> Response:
    """422, by field."""
    assert isinstance(error, ValidationError)
    errors: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in item["loc"]) or "body"
        errors.setdefault(field, []).append(item["msg"].removeprefix("Value error, "))
    return problem(422, "the request has mistakes", kind=INVALID, errors=errors)


async def key_reused(_: Request, error: Exception) -> Response:
    """422: a key belongs to one request for ever."""
    assert isinstance(error, KeyReusedError)
    return problem(422, "this key was used for a request with another body", kind=KEY_REUSED)


async def not_there(_: Request, error: Exception) -> Response:
    """404."""
    assert isinstance(error, NoSuchChargeError)
    return problem(404, str(error), kind=NOT_FOUND)


async def http_problem(_: Request, error: Exception) -> Response:
    """What the framework refuses: unknown paths, other methods, bodies that are too long."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, headers=dict(error.headers or {}))


async def own_problem(request: Request, error: Exception) -> Response:
    """500: something here is broken."""
    # Without the traceback's values, which may hold a card.
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    return problem(500, "the gateway failed at this request; its log says where")


HANDLERS = {
    ValidationError: not_valid,
    KeyReusedError: key_reused,
    NoSuchChargeError: not_there,
    HTTPException: http_problem,
    500: own_problem,
}
