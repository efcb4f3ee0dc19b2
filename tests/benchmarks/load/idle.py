"""Many kept connections that do nothing: ``python -m benchmarks.load.idle``.

A JSON on stdin, on one line, says how many and where. Each asks once, and its answer is compared; then a line ``ready`` is
printed, and they are held until stdin ends.
"""

import json
import resource
import socket
import sys
from pathlib import Path

from benchmarks.load.answers import Answers, Unexpected, take_answer
from benchmarks.load.closed_loop import BETWEEN

_TIMEOUT_S = 30.0
_AT_ONCE = 100


def hold(port: int, count: int, requests: list[bytes], expected: bytes) -> list[socket.socket]:
    """Open them all and ask once on each, some at once."""
    held: list[socket.socket] = []
    while len(held) < count:
        some = [
            socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)
            for _ in range(min(_AT_ONCE, count - len(held)))
        ]
        for number, connection in enumerate(some, start=len(held)):
            connection.sendall(requests[number % len(requests)])
        for connection in some:
            take_answer(connection, Answers(expected))
        held += some
    return held


def main() -> int:
    order = json.loads(sys.stdin.readline())
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    requests = Path(order["requests"]).read_bytes().split(BETWEEN)
    try:
        held = hold(
            order["port"], order["connections"], requests, Path(order["answer"]).read_bytes()
        )
    except (Unexpected, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for connection in held:
        connection.setblocking(False)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    closed = sum(1 for each in held if _has_ended(each))
    if closed:
        sys.stderr.write(f"{closed} of {len(held)} connections did not stay\n")
        return 1
    return 0


def _has_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


if __name__ == "__main__":
    sys.exit(main())
