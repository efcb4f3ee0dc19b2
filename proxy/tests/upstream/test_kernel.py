"""A request is given to the kernel at once, whatever the loop's transport would do with it."""

import asyncio
import socket

import pytest

from stranglerfig.upstream.kernel import KernelView


class WaitingTransport(asyncio.Transport):
    """Writes nothing before the end of the loop's turn, as the transports of uvloop before 0.23."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__({"socket": connected})
        self.waiting = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waiting += data


def arrived(other: socket.socket) -> bytes:
    other.setblocking(False)
    received = bytearray()
    try:
        while piece := other.recv(1 << 20):
            received += piece
    except BlockingIOError:
        pass
    return bytes(received)


@pytest.mark.parametrize(("size", "is_taken_whole"), [(100, True), (8_000_000, False)])
def test_the_kernel_gets_at_once_what_it_takes_and_the_transport_the_rest(
    size: int, is_taken_whole: bool
) -> None:
    data = bytes(range(100)) * (size // 100)
    ours, other = socket.socketpair()
    with ours, other:
        ours.setblocking(False)
        transport = WaitingTransport(ours)
        KernelView(transport).send(data)
        received = arrived(other)
    assert received
    assert received + transport.waiting == data
    assert (transport.waiting == b"") is is_taken_whole
