"""Which Host headers the card gateway and the mail catcher answer, so that no page can be made to read them.

A page whose name is made to point here (DNS rebinding) would read what stands here with its visitor's browser. Its
requests carry its own name; an address is nobody's name, and can't be made to point elsewhere.
"""

import ipaddress
import re

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::[0-9]*)?")


class OwnHosts:
    """Hands requests on to ``app`` that ask for one of ``hosts`` or for an address; the others are 403.

    ``variable`` is the one of the environment in which further names are listed.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], variable: str) -> None:
        self._app = app
        self._hosts = hosts
        self._variable = variable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            asked = Headers(scope=scope).get("host", "")
            if not self._is_own(asked):
                app = _refusal(self._variable)
        await app(scope, receive, send)

    def _is_own(self, asked: str) -> bool:
        found = HEADER.fullmatch(asked)
        if found is None:
            return False
        host = (found[1] or found[2]).lower().removesuffix(".")
        return host in self._hosts or _is_address(host)


def own_hosts(*names: str) -> frozenset[str]:
    """``names`` as they are compared, and localhost."""
    return frozenset(name.lower() for name in names if name) | {"localhost"}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refusal(variable: str) -> JSONResponse:
    """RFC 9457; what was sent is not repeated."""
    detail = f"nothing here answers for this Host; list its name in {variable}"
    return JSONResponse(
        {"type": "about:blank", "status": 403, "detail": detail},
        403,
        media_type="application/problem+json",
    )
