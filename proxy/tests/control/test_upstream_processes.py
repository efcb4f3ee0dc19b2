"""Servers of one upstream that are real processes: one dies and comes back, and a worker dies while its places are taken."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fig_process import Fig, Load, wait_until

pytestmark = pytest.mark.slow

SERVER = """\
import sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

name, port = sys.argv[1], int(sys.argv[2])
lock, now, most = threading.Lock(), 0, 0

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global now, most
        body = name.encode()
        if self.path == "/most":
            body = str(most).encode()
        elif self.path == "/work":
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.01)
            with lock:
                now -= 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass

server = Server(("127.0.0.1", port), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


class Process:
    """One server; after ``kill`` it can be started again where it was."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, self.name, str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def ask(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()


@contextmanager
def processes(*names: str) -> Iterator[list[Process]]:
    started = [Process(name) for name in names]
    try:
        yield started
    finally:
        for process in started:
            process.kill()


def write(fig: Fig, servers: list[Process], more: str) -> None:
    urls = ", ".join(f"http://127.0.0.1:{server.port}" for server in servers)
    fig.config.write_text(
        "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 2\n"
        f"upstreams:\n  monolith:\n    urls: [{urls}]\n{more}"
    )


def told(fig: Fig) -> dict[str, object]:
    [upstream] = fig.status()["upstreams"]
    assert isinstance(upstream, dict)
    return upstream


def health(fig: Fig) -> list[str]:
    addresses = told(fig)["addresses"]
    assert isinstance(addresses, list)
    return sorted(f"{each['address'].rpartition(':')[2]} {each['health']}" for each in addresses)


def test_a_server_that_is_killed_is_left_alone_and_used_again_when_it_is_back(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig()
    with processes("a", "b") as servers:
        a, b = servers
        write(fig, servers, "    health: {path: /up, interval: 100ms, timeout: 20s}\n")
        fig.start()
        both = sorted(f"{server.port} healthy" for server in servers)
        wait_until(lambda: health(fig) == both, explain=fig.log)
        with Load(fig.port, "/").running() as load:
            load.more(100)
            assert load.failures == []
            assert set(load.bodies) == {b"a", b"b"}
            a.kill()
            gone = sorted([f"{a.port} unhealthy", f"{b.port} healthy"])
            wait_until(lambda: health(fig) == gone, explain=fig.log)
            seen = len(load.failures)
            # Each client had at most one request there when it died; what was sent is not sent again.
            assert seen <= 6
            before = load.bodies[b"a"]
            load.more(150)
            assert load.failures[seen:] == []
            assert load.bodies[b"a"] - before <= 6
            shown = fig.command("status").stdout
            assert "unhealthy for" in shown
            assert "connect failed" in shown
            metrics = fig.admin("GET", "/metrics")[2].decode()
            line = 'fig_upstream_addresses_health{health="unhealthy",upstream="monolith"} 1.0'
            assert line in metrics
            a.start()
            wait_until(lambda: health(fig) == both, explain=fig.log)
            before = load.bodies[b"a"]
            load.more(150)
            assert load.bodies[b"a"] > before
            assert load.failures[seen:] == []
        fig.stop()


def test_the_limit_holds_over_all_workers_and_a_killed_one_keeps_no_place(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig()
    with processes("a") as servers:
        write(fig, servers, "    concurrency: 4\n    queue: {size: 100, wait: 20s}\n")
        fig.start()
        with Load(fig.port, "/work", clients=16).running() as load:
            load.more(100)
            assert load.failures == []
            assert 1 < int(servers[0].ask("/most")) <= 4
            os.kill(fig.pids("worker")[0], signal.SIGKILL)
            wait_until(lambda: sum(each["restarts"] for each in fig.status()["workers"]) == 1)
            wait_until(lambda: all(each["up"] for each in fig.status()["workers"]))
            seen = len(load.failures)
            load.more(100)
            assert load.failures[seen:] == []
        # The killed one's two requests may have gone on at the server beside its successor's.
        assert int(servers[0].ask("/most")) <= 6
        wait_until(lambda: told(fig)["places"] == {"limit": 4, "taken": 0, "waiting": 0}, explain=lambda: told(fig))  # fmt: skip
        assert "0/4" in fig.command("status").stdout
        assert 'fig_upstream_places{upstream="monolith"} 4.0' in fig.admin("GET", "/metrics")[2].decode()  # fmt: skip
        fig.stop()
