"""One answered request as one line of the access log.

Whatever a client sends stays inside its own field: quotes, backslashes, line ends, escapes of terminals and all that is not
printable ASCII are written as escapes, in text as in JSON. No line is longer than ``MAX_LINE_BYTES``, so that several workers
can write to one pipe without mixing their lines (POSIX ``write``, PIPE_BUF).
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from stranglerfig.config.model import AccessLog
from stranglerfig.http1.headers import Header, first_value
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.routing.plan import Plan

MAX_LINE_BYTES: Final = 4096  # PIPE_BUF on Linux
_TARGET_BYTES: Final = 1200
_HOST_BYTES: Final = 255
_ROUTE_BYTES: Final = 300
_HEADER_BYTES: Final = 120
_SAFE: Final = re.compile(rb"[ !#-\[\]-~]*", re.ASCII)
_WORD: Final = re.compile(rb"[A-Za-z0-9._:\[\]-]+", re.ASCII)
_IN_TEXT: Final = tuple(
    b"\\" + bytes([sign])
    if sign in b'"\\'
    else bytes([sign])
    if 0x20 <= sign < 0x7F
    else b"\\x%02x" % sign
    for sign in range(256)
)
_CUT: Final = b"..."
_NO_HEADERS: Final[Sequence[Header]] = ()


class Answered(NamedTuple):
    """What is known of one exchange at its end. ``head`` is None where none could be read, ``plan`` where none was made."""

    head: RequestHead | None
    address: str
    request_id: bytes
    trace_id: bytes | None = None
    plan: Plan | None = None
    status: int = 0
    """What the client was sent; 0: nothing."""
    body_bytes: int = 0
    """Of the request's body, without its framing."""
    sent_bytes: int = 0
    """Of the answer, its head included, as far as it was handed to the socket."""
    elapsed_s: float = 0.0
    head_s: float | None = None
    """From the request's head read to the answer's head read."""
    failure: str | None = None
    """Its kind, or ``client_left``."""
    retries: int = 0
    fallback: str | None = None
    """The upstream that answered in the plan's place; ``failure`` says why."""


class Lines:
    """Writes lines as one ``access_log`` of fig.yaml says."""

    __slots__ = (
        "_client",
        "_headers",
        "_is_json",
        "_plans",
        "_quote",
        "_second",
        "_stamp",
        "_target",
        "file",
    )

    def __init__(self, config: AccessLog) -> None:
        """``config`` has another format than ``none``."""
        self.file = config.file
        self._is_json = config.format == "json"
        self._quote = _in_json if self._is_json else _in_text
        self._target = config.target
        self._client = _CLIENTS[config.client]
        self._headers = tuple(
            (name.encode("ascii"), self._quote(name.encode("ascii"), 64)) for name in config.headers
        )
        self._plans: dict[tuple[object, ...], bytes] = {}
        self._second = 0
        self._stamp = b""

    def line(self, answered: Answered) -> bytes:
        """Give the line, its end included."""
        now = time.time() - answered.elapsed_s
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode("ascii")
        head, quote = answered.head, self._quote
        client = self._client(answered.address).encode("ascii", "replace")
        if head is None:
            method, target, host = "-", b"", None
        else:
            method, host = head.method, head.host
            target = self._kept_of(head.target)
        write = _json_line if self._is_json else _text_line
        return write(
            b"%b.%03dZ" % (self._stamp, int((now - second) * 1000)),
            client,
            method.encode("ascii"),
            quote(target, _TARGET_BYTES),
            b"" if host is None else quote(host, _HOST_BYTES),
            answered,
            self._about(answered.plan),
            self._sent_headers(head),
        )

    def _kept_of(self, target: bytes) -> bytes:
        if self._target == "whole":
            return target
        if self._target == "none":
            return b""
        path, mark, _ = target.partition(b"?")
        return path + mark

    def _about(self, plan: Plan | None) -> bytes:
        """What the plan says; the same for all requests that one rule sent to one side."""
        if plan is None:
            return b""
        key = (plan.capability, plan.route, plan.side, plan.reason, plan.unit, plan.generation)
        known = self._plans.get(key)
        if known is None:
            known = self._plans[key] = self._tell(plan)
        return known

    def _tell(self, plan: Plan) -> bytes:
        said = {
            "upstream": plan.upstream,
            "capability": plan.capability,
            "route": plan.route,
            "stage": plan.stage and plan.stage.value,
            "side": plan.side.value if plan.upstream is not None else None,
            "reason": plan.reason.value,
            "unit": plan.unit and plan.unit.value,
        }
        named = [
            (name.encode(), self._quote(value.encode("utf-8", "replace"), _ROUTE_BYTES))
            for name, value in said.items()
            if value is not None
        ]
        if self._is_json:
            told = b"".join([b',"%b":%b' % pair for pair in named])
            return told + b',"generation":%d' % plan.generation
        return b"".join([b" %b=%b" % (name, _plain(value)) for name, value in named])

    def _sent_headers(self, head: RequestHead | None) -> bytes:
        if not self._headers or head is None:
            return b""
        found = []
        for name, quoted in self._headers:
            value = first_value(head.kept, name)
            if value is not None:
                if name == b"referer" and self._target != "whole":
                    value = self._kept_of(value)
                found.append((quoted, self._quote(value, _HEADER_BYTES)))
        if self._is_json:
            return b',"headers":{%b}' % b",".join([b"%b:%b" % pair for pair in found])
        return b"".join([b" %b=%b" % (name.strip(b'"'), value) for name, value in found])


def _json_line(
    time_: bytes,
    client: bytes,
    method: bytes,
    target: bytes,
    host: bytes,
    answered: Answered,
    plan: bytes,
    headers: bytes,
) -> bytes:
    trace_id, failure, head_s = answered.trace_id, answered.failure, answered.head_s
    fallback = answered.fallback
    return (
        b'{"time":"%b","client":"%b","method":"%b","target":%b,"host":%b,"status":%b,"request_body_bytes":%d,'
        b'"response_bytes":%d,"duration_ms":%.3f,"head_ms":%b%b,"retries":%d,"failure":%b,"fallback":%b,"request_id":"%b","trace_id":%b%b}\n'
        % (
            time_,
            client,
            method,
            target,
            host or b"null",
            b"%d" % answered.status if answered.status else b"null",
            answered.body_bytes,
            answered.sent_bytes,
            answered.elapsed_s * 1000,
            b"null" if head_s is None else b"%.3f" % (head_s * 1000),
            plan,
            answered.retries,
            b"null" if failure is None else b'"%b"' % failure.encode("ascii"),
            b"null" if fallback is None else b'"%b"' % fallback.encode("ascii"),
            answered.request_id,
            b"null" if trace_id is None else b'"%b"' % trace_id,
            headers,
        )
    )


def _text_line(
    time_: bytes,
    client: bytes,
    method: bytes,
    target: bytes,
    host: bytes,
    answered: Answered,
    plan: bytes,
    headers: bytes,
) -> bytes:
    more = b""
    if answered.head_s is not None:
        more = b" head=%.1fms" % (answered.head_s * 1000)
    if answered.retries:
        more += b" retries=%d" % answered.retries
    if answered.failure is not None:
        more += b" failure=%b" % answered.failure.encode("ascii")
    if answered.fallback is not None:
        more += b" fallback=%b" % answered.fallback.encode("ascii")
    if host:
        more += b" host=" + _plain(host)
    trace_id = answered.trace_id
    return b'%b %b "%b %b %b %d/%d %.1fms%b%b id=%b trace=%b%b\n' % (
        time_,
        client,
        method,
        target[1:],  # one pair of quotes for both
        b"%d" % answered.status if answered.status else b"-",
        answered.body_bytes,
        answered.sent_bytes,
        answered.elapsed_s * 1000,
        plan,
        more,
        answered.request_id,
        trace_id or b"-",
        headers,
    )


def _plain(quoted: bytes) -> bytes:
    """The same without quotes, where a word needs none."""
    word = quoted[1:-1]
    return word if _WORD.fullmatch(word) else quoted


def _in_json(value: bytes, limit: int) -> bytes:
    if len(value) <= limit and _SAFE.fullmatch(value):
        return b'"%b"' % value
    return b'"%b"' % _fitting(value, limit, _json_escaped)


def _in_text(value: bytes, limit: int) -> bytes:
    if len(value) <= limit and _SAFE.fullmatch(value):
        return b'"%b"' % value
    return b'"%b"' % _fitting(value, limit, _text_escaped)


def _json_escaped(value: bytes) -> bytes:
    # DEL and what is beyond ASCII too: C1 controls drive terminals.
    text = json.dumps(value.decode("utf-8", "backslashreplace"))[1:-1]
    return text.encode("ascii").replace(b"\x7f", b"\\u007f")


def _text_escaped(value: bytes) -> bytes:
    return b"".join([_IN_TEXT[sign] for sign in value])


def _fitting(value: bytes, limit: int, escape: Callable[[bytes], bytes]) -> bytes:
    """Escape as much of ``value`` as has room; what is cut ends in three dots."""
    part = value[:limit]
    escaped = escape(part)
    while len(escaped) > limit:
        part = part[: len(part) * limit // len(escaped)]
        escaped = escape(part)
    return escaped if len(part) == len(value) else escaped + _CUT


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """The network of an address: 24 bits of IPv4, 48 of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "-"
    bits = 24 if parsed.version == 4 else 48
    return str(ip_network((parsed, bits), strict=False))


def _nobody(_: str) -> str:
    return "-"


def _address(address: str) -> str:
    return address or "-"


_CLIENTS: Final[dict[str, Callable[[str], str]]] = {
    "none": _nobody,
    "network": _network,
    "address": _address,
}
