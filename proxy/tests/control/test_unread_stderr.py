"""A stderr that nobody reads stops nobody: the supervisor answers and changes, the comparer compares; what is lost is told."""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from compared import is_comparing
from fig_process import Fig, wait_until

pytestmark = pytest.mark.slow
MORE_THAN_WAIT = 1500


class Pipe:
    """A pipe that is full of empty lines."""

    def __init__(self) -> None:
        reads, writes = os.pipe()
        self._reader = os.fdopen(reads)
        self.writer = os.fdopen(writes, "wb", 0)
        os.set_blocking(writes, False)
        while self.writer.write(b"\n" * 4096):
            pass
        os.set_blocking(writes, True)

    def close(self) -> None:
        self.writer.close()
        self._reader.close()

    def lines(self) -> Iterator[dict[str, Any]]:
        """What is logged, until nobody is left who writes."""
        self.writer.close()
        return (json.loads(line) for line in self._reader if line.strip())


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def compared_in(fig: Fig) -> int:
    (capability,) = fig.status()["capabilities"]
    account = capability["comparison"]
    return int(account["equal"] + account["different"])


def make_it_log(path: str) -> None:
    """Say nonsense to a process often: it logs a line each time, and hangs up."""
    for _ in range(MORE_THAN_WAIT):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(path)
            client.sendall(b"\xff" * 64 + b"\n")
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""


def test_a_proxy_whose_stderr_is_full_starts_changes_compares_and_keeps_its_lines_in_order(
    make_fig: Callable[..., Fig], pipe: Pipe
) -> None:
    fig = make_fig()
    del fig.environment["FIG_SECRET"]
    fig.stderr = pipe.writer.fileno()
    fig.start()
    wait_until(lambda: is_comparing(fig))
    assert fig.set("catalog", "shadow")["generation"] == 2
    for number in range(5):
        assert fig.get(f"/api/catalog/{number}")[0] == 200
    wait_until(lambda: compared_in(fig) == 5, explain=fig.status)
    lines = pipe.lines()
    first = next(lines)
    assert fig.stop() == 0
    told = [first, *lines]
    events = {
        process: [line["event"] for line in told if line["process"] == process]
        for process in ("supervisor", "comparer")
    }
    assert events["supervisor"][-4:] == ["ready", "generation_effective", "stopping", "stopped"]
    assert events["comparer"] == ["shadows_are_unmarked"], "it was logged, and held nobody up"


def test_lines_of_supervisor_and_comparer_that_find_no_room_are_counted(
    make_fig: Callable[..., Fig], pipe: Pipe
) -> None:
    fig = make_fig()
    fig.stderr = pipe.writer.fileno()
    fig.start()
    wait_until(lambda: is_comparing(fig))
    with contextlib.chdir(fig.state_dir):  # names of sockets must be short
        make_it_log("control.sock")
        make_it_log("comparer.sock")
    assert fig.set("catalog", "shadow")["generation"] == 2
    fig.get("/api/catalog/1")
    wait_until(lambda: compared_in(fig) == 1, explain=fig.status)
    told: dict[str, list[dict[str, Any]]] = {"supervisor": [], "comparer": []}
    lines = pipe.lines()
    while not all(
        any(line["event"] == "log_lines_lost" for line in each) for each in told.values()
    ):
        line = next(lines)
        told[line["process"]].append(line)
    assert fig.stop() == 0
    for line in lines:
        if line["process"] in told:
            told[line["process"]].append(line)
    lost = {process: sum(line.get("count", 0) for line in told[process]) for process in told}
    events = {process: [line["event"] for line in told[process]] for process in told}
    assert (
        events["comparer"].count("worker_connection_refused") + lost["comparer"] == MORE_THAN_WAIT
    )
    # The supervisor's line of the change is one of those that are lost.
    assert events["supervisor"].count("child_connection_lost") + lost["supervisor"] == MORE_THAN_WAIT + 1  # fmt: skip
    assert "ready" in events["supervisor"][:2]
    assert events["supervisor"][-3:] == ["log_lines_lost", "stopping", "stopped"]


def test_a_proxy_whose_stderr_is_never_read_ends_all_the_same(
    make_fig: Callable[..., Fig], pipe: Pipe
) -> None:
    fig = make_fig()
    fig.stderr = pipe.writer.fileno()
    running = fig.start().process
    refused = fig.launch()
    assert refused.wait(30) == 1, "it says that another one runs, to nobody"
    fig.process = running
    assert fig.stop() == 0
    assert fig.processes() == []


def test_the_last_words_of_a_comparer_that_fails_are_written(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    (fig.state_dir / "comparer.sock").mkdir(parents=True)
    fig.start()
    wait_until(lambda: fig.log().count("child_died") == 3)
    assert fig.log().count("comparer_failed") == 3
