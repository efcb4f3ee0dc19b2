"""One request on a connection of its own, whole answer in memory: for those who ask off the request path."""

import asyncio
import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from stranglerfig.config.balancing import Endpoint
from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure, UpstreamError
from stranglerfig.http1.headers import Header, Meaning, meaning_of
from stranglerfig.http1.request_parser import END
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.upstream.addresses import Addresses
from stranglerfig.upstream.connection import UpstreamConnection
from stranglerfig.upstream.names import is_name, look_up
from stranglerfig.upstream.peer import Peer

MAX_BODY_BYTES: Final = 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer: headers as they came, the body without transfer coding, content coding kept."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
    elapsed_s: float


async def fetch(
    upstream: Upstream,
    method: str,
    target: bytes,
    headers: Iterable[Header],
    body: bytes,
    *,
    deadline_s: float,
    max_body_bytes: int = MAX_BODY_BYTES,
    peer: Peer | None = None,
) -> Fetched:
    """Send one request and give its whole answer, in at most ``deadline_s`` seconds.

    ``headers`` are sent as given but for the framing, which follows ``body``. Raises ``UpstreamError``; its ``phase``
    is connect, send, head or body. A body over ``max_body_bytes`` is ``Failure.BODY_OVER_CAP``. Cancelling closes
    the connection. With ``peer`` it is sent there and nowhere else.
    """
    loop = asyncio.get_running_loop()
    connection = UpstreamConnection(upstream, loop)
    collector = _Collector(loop.create_future(), connection, body, max_body_bytes)
    head = _request_head(method, target, headers, len(body))
    started = time.perf_counter()
    try:
        async with asyncio.timeout(deadline_s):
            if peer is None:
                await _choose_address(connection)
            else:
                connection.peer = peer
            connection.begin(collector, upstream, head, is_head=method == "HEAD", is_whole=not body)
            await collector.done
    except TimeoutError:
        raise UpstreamError(connection.timeout_failure()) from None
    finally:
        connection.abort()
    answer = collector.head
    assert answer is not None
    return Fetched(
        answer.status,
        tuple(answer.headers),
        b"".join(collector.body),
        time.perf_counter() - started,
    )


_turns = itertools.count()


async def _choose_address(connection: UpstreamConnection) -> None:
    """Take the addresses in turn, so that one of several servers is not asked all there is to ask."""
    endpoints = connection.upstream.endpoints
    if len(endpoints) == 1 and not is_name(endpoints[0].host):
        return
    known, others = await _addresses(endpoints)
    start = next(_turns) % len(known)
    connection.peer, *connection.elsewhere = known[start:] + known[:start] + others


async def _addresses(endpoints: Sequence[Endpoint]) -> tuple[list[Peer], list[Peer]]:
    """The addresses that requests are spread over, at least one, and those of the other family. Raises ``UpstreamError``."""
    known: list[Peer] = []
    others: list[Peer] = []
    trouble = ""
    for host, port in endpoints:
        addresses = Addresses()
        try:
            addresses.learn(await look_up(host) if is_name(host) else [host])
        except (OSError, UnicodeError) as error:
            trouble = str(error)
        known += [Peer((host, port, address)) for address in addresses.known]
        others += [Peer((host, port, address)) for address in addresses.others]
    if not known:
        raise UpstreamError(Failure.CONNECT_FAILED, trouble)
    return known, others


_FRAMING = (Meaning.CONTENT_LENGTH, Meaning.TRANSFER_ENCODING)


def _request_head(method: str, target: bytes, headers: Iterable[Header], length: int) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (method.encode("ascii"), target)]
    was_framed = False
    for name, value in headers:
        meaning = meaning_of(name)
        if meaning in _FRAMING:
            was_framed = True
        elif meaning is not Meaning.CONNECTION:
            lines.append(name + b": " + value)
    if length or was_framed:
        lines.append(b"Content-Length: %d" % length)
    # No "Connection: close", although there is no second request: who is told so may wait for our end of the
    # connection before serving others (gunicorn's threaded worker does, up to 2 s), and we may be busy or hang.
    lines += (b"", b"")
    return b"\r\n".join(lines)


class _Collector:
    """Sends the request's body and gathers the answer, which may come before the body is sent."""

    def __init__(
        self,
        done: "asyncio.Future[None]",
        connection: UpstreamConnection,
        body: bytes,
        max_body_bytes: int,
    ) -> None:
        self.done = done
        self.head: ResponseHead | None = None
        self.body: list[bytes] = []
        self._room = max_body_bytes
        self._connection = connection
        self._rest = memoryview(body)

    def on_response(self, events: Sequence[ResponseEvent]) -> None:
        for event in events:
            if isinstance(event, ResponseHead):
                self.head = event
            elif event is not END:
                self._room -= len(event)
                if self._room < 0:
                    self.on_upstream_failed(Failure.BODY_OVER_CAP, "")
                    return
                self.body.append(event)
            elif not self.done.done():
                self.done.set_result(None)

    def on_upstream_failed(self, failure: Failure, detail: str) -> None:
        if not self.done.done():
            self.done.set_exception(UpstreamError(failure, detail))

    def on_upstream_congested(self) -> None:
        """Nothing to hold back: whoever writes looks first."""

    def on_upstream_writable(self) -> None:
        while self._rest and not self._connection.is_congested:
            piece, self._rest = self._rest[:_PIECE_BYTES], self._rest[_PIECE_BYTES:]
            self._connection.write(bytes(piece))
            if not self._rest:
                self._connection.end()
