"""One upstream connection at the moments that a proxy's traffic seldom hits."""

import asyncio
import socket
import struct

import pytest
from receiving import Receiver, upstream

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.request_parser import END
from stranglerfig.upstream.connection import UpstreamConnection

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
ANSWER = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"


async def begun(server: socket.socket) -> tuple[UpstreamConnection, Receiver, socket.socket]:
    """An upload under way: the head has arrived, the body has not."""
    receiver = Receiver()
    connection = UpstreamConnection(upstream(server), asyncio.get_running_loop())
    connection.begin(receiver, connection.upstream, HEAD, is_head=False, is_whole=False)
    async with asyncio.timeout(5):
        await receiver.is_writable.wait()
    accepted, _ = server.accept()
    assert accepted.recv(65536) == HEAD
    return connection, receiver, accepted


async def test_an_answer_before_a_reset_is_heard_although_the_next_write_fails(
    server: socket.socket,
) -> None:
    connection, receiver, accepted = await begun(server)
    # All of this happens before our loop looks at the socket again, so that it writes before it reads.
    accepted.sendall(ANSWER)
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    accepted.close()
    for _ in range(4):
        connection.write(b"x" * 100_000)
    async with asyncio.timeout(5):
        await receiver.is_over.wait()
    assert receiver.failure is None
    head, body, end = receiver.events
    assert (head.status, body, end) == (413, b"big", END)


async def test_a_reset_without_an_answer_is_a_failure_to_send(server: socket.socket) -> None:
    connection, receiver, accepted = await begun(server)
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    accepted.close()
    connection.write(b"x" * 100_000)
    async with asyncio.timeout(5):
        await receiver.is_over.wait()
    assert receiver.failure is Failure.SEND_FAILED


async def test_who_gives_up_hears_nothing_more(server: socket.socket) -> None:
    connection, receiver, accepted = await begun(server)
    with accepted:
        accepted.sendall(ANSWER)
        connection.abort()
        # Closing with the answer unread resets the connection.
        with pytest.raises(ConnectionResetError):
            await asyncio.to_thread(accepted.recv, 1)
    assert (receiver.events, receiver.failure) == ([], None)


async def test_giving_up_while_connecting_opens_nothing(server: socket.socket) -> None:
    receiver = Receiver()
    connection = UpstreamConnection(upstream(server), asyncio.get_running_loop())
    connection.begin(receiver, connection.upstream, HEAD, is_head=False, is_whole=False)
    connection.abort()
    await asyncio.sleep(0.01)
    assert (receiver.events, receiver.failure) == ([], None)
