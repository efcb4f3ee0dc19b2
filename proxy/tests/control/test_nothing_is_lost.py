"""What a dying worker takes with it is what it was answering; what reloads take with them is nothing."""

import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from fig_process import Fig, Load, wait_until

GET = b"GET /api/catalog/1 HTTP/1.1\r\nHost: a\r\n\r\n"
RELOADS = 200


def connections(pid: int, port: int) -> int:
    """How many clients a process has at ``port``, as the kernel sees it."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    at_port = {
        f"socket:[{line[9]}]"
        for line in lines
        if line[1].endswith(f":{port:04X}") and line[3] == "01"
    }
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(descriptor.readlink()) in at_port
    return found


def connect(fig: Fig) -> socket.socket:
    return socket.create_connection(("127.0.0.1", fig.port), timeout=30)


def is_answered(client: socket.socket) -> bool:
    """Whether the whole answer comes; False when the connection ends instead."""
    got = b""
    try:
        while not got.endswith(b"}"):
            data = client.recv(65536)
            if not data:
                return False
            got += data
    except ConnectionResetError:
        return False
    return got.startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
def test_connections_that_nobody_accepted_and_those_of_siblings_outlive_a_killed_worker(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2).start()
    first, second = fig.pids("worker")
    kept = [connect(fig) for _ in range(24)]
    port = fig.port
    wait_until(lambda: connections(first, port) + connections(second, port) == len(kept))
    had = connections(first, port)
    assert 0 < had < len(kept), (
        "the kernel spreads them by chance: one in eight million times it does not"
    )
    os.kill(first, signal.SIGSTOP)
    # About half of these wait in the queue of a socket whose worker will never come back.
    queued = [connect(fig) for _ in range(24)]
    for client in queued:
        client.sendall(GET)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: first not in fig.pids("worker") and len(fig.pids("worker")) == 2)
    assert [is_answered(client) for client in queued] == [True] * len(queued)
    for client in kept:
        try:
            client.sendall(GET)
        except (ConnectionResetError, BrokenPipeError):
            continue
    assert [is_answered(client) for client in kept].count(True) == len(kept) - had
    assert second in fig.pids("worker")
    for client in (*queued, *kept):
        client.close()


@pytest.mark.slow
def test_reloads_as_fast_as_they_hold_lose_nothing_under_load(make_fig: Callable[..., Fig]) -> None:
    """One by one, saved and set in turn; each holds on every worker before the next."""
    fig = make_fig(workers=2).start()
    load = Load(fig.port, "/api/catalog/1")
    generation = fig.generation
    stages = ("service", "monolith")
    with load.running():
        load.more()
        for number in range(RELOADS):
            stage = stages[number % 2]
            if number % 4 < 2:
                answer = fig.set("catalog", stage)
                assert (answer["missing_workers"], answer["replaced_workers"]) == ([], [])
            else:
                fig.edit(f"stage: {stages[(number + 1) % 2]}", f"stage: {stage}")
            wait_until(lambda: fig.effective == generation + number + 1, explain=fig.log)  # noqa: B023
        load.more()
    assert load.failures == []
    assert load.kept_opened == 3, "clients that keep their connection were made to open another"
    assert {json.loads(body)["upstream"] for body in load.bodies} == {"monolith", "catalog"}
    assert [worker["restarts"] for worker in fig.status()["workers"]] == [0, 0]
