"""A service that can be told to fail: it passes requests on to the real one, until it is given a fault."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

SLOW_S: Final = 0.7
LATE_S: Final = 5.0
_HEAD_END: Final = b"\r\n\r\n"
_HALF: Final = b'{"count": 120, "next": null, "resu'

#: Takes what came of a request and gives whether the connection goes on.
Fault = Callable[["Candidate", socket.socket, bytes], bool]


class Candidate:
    """Listens on `url`; `requests` counts what came, also what was not answered."""

    def __init__(self, service_url: str) -> None:
        self.requests = 0
        self.healed = threading.Event()
        parts = urlsplit(service_url)
        self._service = (parts.hostname or "", parts.port or 80)
        self._fault: Fault | None = None
        self._port = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = self._listen()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @contextmanager
    def answering_by(self, fault: Fault) -> Iterator[None]:
        """Every request is answered so, also on connections that are open already; then all is well again."""
        self.healed.clear()
        self._fault = fault
        try:
            yield
        finally:
            self._fault = None
            self.healed.set()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens."""
        self._end()
        try:
            yield
        finally:
            self._listener = self._listen()

    @contextmanager
    def taking_no_connection(self) -> Iterator[None]:
        """The queue of the kernel is full and nobody accepts: a connection is neither made nor refused."""
        self._end()
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(self._bound())
            listener.listen(0)
            for _ in range(3):  # more than it holds: Linux lets one more in than it was told
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    filler.connect(listener.getsockname())
            yield
        self._listener = self._listen()

    def close(self) -> None:
        self.healed.set()
        self._end()
        for thread in self._threads:
            thread.join()

    def pass_on(self, client: socket.socket, head: bytes) -> bool:
        """Ask the real service and give its answer byte for byte."""
        with socket.create_connection(self._service, timeout=30) as service:
            service.sendall(head)
            answer = _until(service, b"", _HEAD_END)
            top, _, body = answer.partition(_HEAD_END)
            lines = dict(line.lower().split(b": ", 1) for line in top.split(b"\r\n")[1:])
            missing = int(lines[b"content-length"]) - len(body)
            while missing > 0:
                body += (more := service.recv(65536))
                missing -= len(more)
                assert more, "the real service has cut its answer"
        client.sendall(top + _HEAD_END + body)
        return True

    def _bound(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        return listener

    def _listen(self) -> socket.socket:
        listener = self._bound()
        self._port = listener.getsockname()[1]
        listener.listen(128)
        self._run(self._accept, listener)
        return listener

    def _end(self) -> None:
        """Stop listening and close every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept; closing does not
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _run(self, work: Callable[[socket.socket], None], sock: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(sock,), name="candidate")
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            self._run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            goes_on = True
            while goes_on and (head := _until(connection, b"", _HEAD_END)):
                self.requests += 1
                fault = self._fault
                goes_on = (
                    self.pass_on(connection, head)
                    if fault is None
                    else fault(self, connection, head)
                )
        with self._lock:
            self._open.discard(connection)


def _until(sock: socket.socket, data: bytes, mark: bytes) -> bytes:
    """Read on until `mark` came; what came, or nothing if the connection ended before."""
    while mark not in data:
        if not (more := sock.recv(65536)):
            return b""
        data += more
    return data


# Faults


def hangs(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    candidate.healed.wait()
    return False


def is_slow(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    candidate.healed.wait(SLOW_S)
    return candidate.pass_on(client, head)


def is_late(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    candidate.healed.wait(LATE_S)
    return candidate.pass_on(client, head)


def answers_500(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    body = b'{"detail": "an error of the service"}'
    client.sendall(
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    return True


def dies_unheard(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    return False


def resets(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def dies_in_the_head(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: applica")
    return False


def dies_mid_body(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * len(_HALF)) + _HALF)
    return False


def dies_mid_chunks(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    chunk = b"%x\r\n%b\r\n" % (len(_HALF), _HALF)
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
    return False


def stalls_mid_body(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * len(_HALF)) + _HALF)
    candidate.healed.wait()
    return False


def talks_garbage(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n" * 4)
    return False


def talks_garbage_in_chunks(candidate: Candidate, client: socket.socket, head: bytes) -> bool:
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\nzz\r\n")
    return False
