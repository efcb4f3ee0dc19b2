"""A constant rate, whatever the answers do: latency is counted from when a request was due, not from when it could be sent.

So a proxy that stalls for a second is charged for all requests that were due in that second (else they would just not
have been asked: coordinated omission). A request that is due takes the connection that has been idle for the shortest
time; where none is idle, it waits for one. How late the generator itself was is told too: that share of a latency is its own.

Run as a process of its own, ``python -m benchmarks.load.open_loop``: a JSON on stdin says what to do (``Order``), a JSON on
stdout what came of it (``Report``).
"""

import ctypes
import gc
import json
import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.load.answers import Answers, Unexpected
from benchmarks.load.clients import ask_client
from benchmarks.load.closed_loop import BETWEEN

DRAIN_S = 10.0
_PR_SET_TIMERSLACK = 29
_READ = 256 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What to send where."""

    port: int
    requests: str
    answer: str
    rate: float
    seconds: float
    connections: int
    warm_up_s: float = 0.5
    """At the same rate, not counted."""
    tolerant: bool = False
    """Wrong or missing answers are counted instead of ending the run."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. Latencies are in microseconds, in the order of the answers; warm-up left out."""

    latencies_us: Sequence[int]
    late_us: Sequence[int]
    """How long after it was due each request was sent, where a connection was idle."""
    waited: int
    """Requests that found no idle connection."""
    wrong: int
    lost: int
    """Requests whose connection ended before their answer was whole."""
    reconnected: int
    first: str


class _Connection:
    __slots__ = ("answers", "due", "socket")

    def __init__(self, port: int, expected: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = Answers(expected)
        self.due = 0.0


class Generator:
    """One run."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._requests = Path(order.requests).read_bytes().split(BETWEEN)
        self._expected = Path(order.answer).read_bytes()
        self._poll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []
        self._overdue: deque[float] = deque()
        self._sent = 0
        self._open = 0  # requests under way
        self._counted_from = 0.0
        self.latencies = array("q")
        self.late = array("q")
        self.waited = self.wrong = self.lost = self.reconnected = 0
        self.first = ""

    def run(self) -> Report:
        """Send everything that is due, and wait for the last answers."""
        order = self._order
        for _ in range(order.connections):
            self._connect()
        gap = 1 / order.rate
        count = int((order.seconds + order.warm_up_s) * order.rate)
        began = time.perf_counter()
        self._counted_from = began + order.warm_up_s
        number = 0
        while number < count:
            now = time.perf_counter()
            while number < count and (due := began + number * gap) <= now:
                self._send_or_wait(due)
                number += 1
            self._take_answers(began + number * gap - time.perf_counter())
        deadline = time.perf_counter() + DRAIN_S
        while (self._open or self._overdue) and (left := deadline - time.perf_counter()) > 0:
            self._take_answers(left)
        self._lose(self._open + len(self._overdue), "no answer in time")
        return Report(
            latencies_us=list(self.latencies),
            late_us=list(self.late),
            waited=self.waited,
            wrong=self.wrong,
            lost=self.lost,
            reconnected=self.reconnected,
            first=self.first,
        )

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.socket.close()
        self._poll.close()

    def _connect(self) -> None:
        connection = _Connection(self._order.port, self._expected)
        number = connection.socket.fileno()
        self._connections[number] = connection
        self._poll.register(number, select.EPOLLIN)
        self._idle.append(connection)

    def _send_or_wait(self, due: float) -> None:
        if self._idle and not self._overdue:
            self._send(self._idle.pop(), due)
            if due >= self._counted_from:
                self.late.append(int((time.perf_counter() - due) * 1e6))
        else:
            self.waited += due >= self._counted_from
            self._overdue.append(due)

    def _send(self, connection: _Connection, due: float) -> None:
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        connection.due = due
        self._open += 1
        try:
            if connection.socket.send(request) != len(request):
                self._fail("the proxy took only a part of a request", lost=True)
                self._renew(connection, under_way=True)
        except OSError as error:
            self._fail(f"while sending: {error}", lost=True)
            self._renew(connection, under_way=True)

    def _take_answers(self, wait_s: float) -> None:
        """Look for answers, for at most ``wait_s``. ``epoll`` counts in milliseconds; ``select`` does not."""
        if wait_s > 0:
            ready, _, _ = select.select([self._poll], [], [], wait_s)
            if not ready:
                return
        for number, _ in self._poll.poll(0):
            self._read(self._connections[number])

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        idle = connection.due == 0.0
        if not data or idle:
            if not idle:
                self._fail("a connection ended before its answer", lost=True)
            elif data:
                self._fail("an answer to no request", lost=False)
            self._renew(connection, under_way=not idle)
            return
        try:
            whole = connection.answers.feed(data)
        except Unexpected as unexpected:
            self._fail(str(unexpected), lost=False)
            self._renew(connection, under_way=True)
            return
        if whole:
            self._open -= 1
            if connection.due >= self._counted_from:
                self.latencies.append(int((time.perf_counter() - connection.due) * 1e6))
            connection.due = 0.0
            if connection.answers.closes:
                self._renew(connection, under_way=False)
            else:
                self._give(connection)

    def _give(self, connection: _Connection) -> None:
        if self._overdue:
            self._send(connection, self._overdue.popleft())
        else:
            self._idle.append(connection)

    def _renew(self, connection: _Connection, *, under_way: bool) -> None:
        """Another connection in the place of one that is of no more use."""
        self._open -= under_way
        del self._connections[connection.socket.fileno()]
        connection.socket.close()
        if connection in self._idle:
            self._idle.remove(connection)
        self.reconnected += 1
        self._connect()
        if self._overdue:
            self._give(self._idle.pop())

    def _fail(self, text: str, *, lost: bool) -> None:
        if not self._order.tolerant:
            raise Unexpected(text)
        self.first = self.first or text
        if lost:
            self.lost += 1
        else:
            self.wrong += 1

    def _lose(self, count: int, text: str) -> None:
        for _ in range(count):
            self._fail(text, lost=True)


def paced(order: Order, cores: Sequence[int]) -> Report:
    """Run it in a process of its own, on the cores of the load; ``Failed`` with its words."""
    return Report(**ask_client("benchmarks.load.open_loop", asdict(order), cores))


def main() -> int:
    order = Order(**json.load(sys.stdin))
    # The kernel may let a sleep last 50 µs longer than asked for; here it may not.
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    gc.disable()
    try:
        report = Generator(order).run()
    except (Unexpected, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(asdict(report), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
