"""The generator at a constant rate, against a server that the test holds back."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from benchmarks.load.answers import Unexpected
from benchmarks.load.bodies import request
from benchmarks.load.closed_loop import prepare
from benchmarks.load.open_loop import Generator, Order, Report
from crowd.accounts import wait_until

BODY = b"{}"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + BODY
RATE = 200.0
CONNECTIONS = 4


class Server:
    """Answers one request after the other on each connection, by a rule of the test's."""

    def __init__(self, answer: Callable[[int], bytes | None]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.asked = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                with self._lock:
                    self.asked += 1
                    number = self.asked
                answer = self._answer(number)
                if answer is None:
                    return
                connection.sendall(answer)

    def close(self) -> None:
        """Stop listening; connections end with their clients."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self._threads:
            thread.join(30)


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[int], bytes | None]], Server]]:
    started: list[Server] = []

    def start(answer: Callable[[int], bytes | None]) -> Server:
        started.append(Server(answer))
        return started[-1]

    yield start
    for server in started:
        server.close()


def order(server: Server, folder: Path, *, requests: int, tolerant: bool = False) -> Order:
    asked, answer = prepare(folder, "small", [request("/", "a", "fig_user=b")], BODY)
    return Order(
        server.port, str(asked), str(answer), RATE, requests / RATE, CONNECTIONS, 0.0, tolerant
    )


def test_a_stall_is_charged_for_all_that_was_due_in_it(
    serve: Callable[[Callable[[int], bytes | None]], Server], tmp_path: Path
) -> None:
    go_on = threading.Event()

    def held(number: int) -> bytes:
        go_on.wait(60)
        return ANSWER

    server = serve(held)
    generator = Generator(order(server, tmp_path, requests=40))
    reports: list[Report] = []
    thread = threading.Thread(target=lambda: reports.append(generator.run()))
    thread.start()
    try:
        wait_until(lambda: generator.waited >= 20)
    finally:
        go_on.set()
        thread.join(60)
    (report,) = reports
    generator.close()
    assert len(report.latencies_us) == server.asked == 40
    assert report.waited >= 20
    assert (report.wrong, report.lost, report.reconnected) == (0, 0, 0)
    # When the twentieth had to wait, the first had been due for twenty-three gaps; none was left out because of it.
    slow = sorted(report.latencies_us)
    assert slow[-1] >= 23 / RATE * 1e6
    assert sum(each >= 5 / RATE * 1e6 for each in slow) >= 15


def test_a_wrong_answer_ends_the_run(
    serve: Callable[[Callable[[int], bytes | None]], Server], tmp_path: Path
) -> None:
    server = serve(lambda number: ANSWER if number != 7 else ANSWER.replace(BODY, b"[]"))
    generator = Generator(order(server, tmp_path, requests=20))
    with pytest.raises(Unexpected, match="another body"):
        generator.run()
    generator.close()


def test_lost_and_wrong_answers_are_counted_where_that_is_wanted(
    serve: Callable[[Callable[[int], bytes | None]], Server], tmp_path: Path
) -> None:
    answers = {3: None, 5: ANSWER.replace(b"200", b"502"), 9: None}
    server = serve(lambda number: answers.get(number, ANSWER))
    generator = Generator(order(server, tmp_path, requests=30, tolerant=True))
    report = generator.run()
    generator.close()
    assert (report.lost, report.wrong) == (2, 1)
    assert report.reconnected >= 3
    assert len(report.latencies_us) == 27
