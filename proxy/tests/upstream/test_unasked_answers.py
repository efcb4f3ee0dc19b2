"""An answer that comes before the upstream can have got the request, on a connection just opened."""

import asyncio
import socket

from receiving import Owner, Receiver, upstream

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.request_parser import END
from stranglerfig.http1.upgrade import Upgrade
from stranglerfig.upstream.connection import UpstreamConnection

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def open_to_one_that_speaks_first(
    server: socket.socket, said: bytes, upgrade: Upgrade | None = None
) -> tuple[Receiver, Owner]:
    """Ask an upstream that says something as soon as the kernel has the connection, before our loop knows of it."""
    receiver, owner = Receiver(), Owner()
    connection = UpstreamConnection(upstream(server), asyncio.get_running_loop(), owner)
    connection.begin(
        receiver, connection.upstream, GET, is_head=False, is_whole=True, upgrade=upgrade
    )
    server.setblocking(False)
    for _ in range(1000):
        try:
            accepted, _ = server.accept()
            break
        except BlockingIOError:
            await asyncio.sleep(0)
    with accepted:
        accepted.sendall(said)
        async with asyncio.timeout(5):
            await receiver.is_over.wait()
        await asyncio.sleep(0)
    return receiver, owner


async def test_an_answer_nobody_asked_for_is_a_failure(server: socket.socket) -> None:
    receiver, owner = await open_to_one_that_speaks_first(server, OK)
    assert (receiver.events, receiver.failure) == ([], Failure.UNASKED_RESPONSE)
    assert owner.heard == ["poisoned", "gone"]


async def test_a_101_to_a_request_that_was_not_delivered_opens_no_tunnel(
    server: socket.socket,
) -> None:
    said = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nhello"
    receiver, owner = await open_to_one_that_speaks_first(server, said, Upgrade(b"chat", None))
    assert (receiver.events, receiver.failure) == ([], Failure.UNASKED_RESPONSE)
    assert owner.heard == ["poisoned", "gone"]


async def test_an_error_is_told_and_ends_the_connection(server: socket.socket) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno"
    receiver, owner = await open_to_one_that_speaks_first(server, busy)
    head, body, end = receiver.events
    assert (head.status, body, end, receiver.failure) == (503, b"no", END, None)
    assert "free" not in owner.heard


async def test_what_is_no_http_is_an_unusable_answer(server: socket.socket) -> None:
    receiver, _ = await open_to_one_that_speaks_first(server, b"SSH-2.0-x\r\n")
    assert receiver.failure is Failure.BAD_RESPONSE


async def test_who_answers_when_its_kernel_has_the_request_is_believed(
    server: socket.socket,
) -> None:
    # The limit of what can be told: the program has read nothing, but nothing outside of its machine shows that.
    receiver, owner = Receiver(), Owner()
    connection = UpstreamConnection(upstream(server), asyncio.get_running_loop(), owner)
    connection.begin(receiver, connection.upstream, GET, is_head=False, is_whole=True)
    accepted, _ = await asyncio.to_thread(server.accept)
    with accepted:
        await asyncio.to_thread(accepted.recv, 1, socket.MSG_PEEK)
        accepted.sendall(OK)
        async with asyncio.timeout(5):
            await receiver.is_over.wait()
    assert receiver.failure is None
    assert owner.heard == ["free"]
