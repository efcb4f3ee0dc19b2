"""What is given to a connection reaches the upstream whole, at once where that matters, before the connection is kept."""

import asyncio
import random
import socket

from receiving import Owner, Receiver, upstream

from stranglerfig.upstream.connection import UpstreamConnection

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY = random.Random(9).randbytes(8_000_000)  # more than the buffers of two kernels take
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY)


def connection_to(server: socket.socket) -> tuple[UpstreamConnection, Receiver, Owner]:
    owner = Owner()
    connection = UpstreamConnection(upstream(server), asyncio.get_running_loop(), owner)
    return connection, Receiver(), owner


async def accept(server: socket.socket) -> socket.socket:
    server.setblocking(False)
    accepted, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(server), 5)
    accepted.setblocking(False)
    return accepted


async def over(receiver: Receiver) -> None:
    async with asyncio.timeout(5):
        await receiver.is_over.wait()


async def test_what_the_kernel_does_not_take_at_once_follows(server: socket.socket) -> None:
    connection, receiver, _ = connection_to(server)
    connection.begin(receiver, connection.upstream, HEAD, is_head=False, is_whole=False)
    connection.write(BODY)
    connection.end()
    with await accept(server) as accepted:
        seen = bytearray()
        while len(seen) < len(HEAD) + len(BODY):
            received = asyncio.get_running_loop().sock_recv(accepted, 1 << 20)
            piece = await asyncio.wait_for(received, 5)
            assert piece
            seen += piece
        assert seen == HEAD + BODY
        accepted.sendall(OK)
        await over(receiver)
    assert receiver.failure is None


async def test_a_request_on_a_kept_connection_is_sent_before_the_loop_goes_on(
    server: socket.socket,
) -> None:
    connection, receiver, owner = connection_to(server)
    connection.begin(receiver, connection.upstream, GET, is_head=False, is_whole=True)
    with await accept(server) as accepted:
        assert await asyncio.get_running_loop().sock_recv(accepted, 65536) == GET
        accepted.sendall(OK)
        await over(receiver)
        assert owner.heard == ["free"]
        connection.begin(Receiver(), connection.upstream, GET, is_head=False, is_whole=True)
        # No await: what is here now was not left to the loop.
        accepted.settimeout(1)
        assert accepted.recv(65536) == GET
        connection.abort()


async def test_a_connection_with_a_body_still_to_be_sent_is_not_kept(server: socket.socket) -> None:
    connection, receiver, owner = connection_to(server)
    connection.begin(receiver, connection.upstream, HEAD, is_head=False, is_whole=False)
    connection.write(BODY)
    connection.end()
    with await accept(server) as accepted:
        assert await asyncio.get_running_loop().sock_recv(accepted, len(HEAD)) == HEAD
        accepted.sendall(OK)
        await over(receiver)
        await asyncio.sleep(0)
    assert receiver.failure is None
    assert owner.heard == ["gone"]
