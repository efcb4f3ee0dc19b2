"""Too few descriptors: it is said at the start, and a worker that has none left goes on when it has some again."""

import http.client
import resource
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from fig_process import Fig, Load, wait_until

from stranglerfig.server.places import connections_within

SAID = "connections_bounded_by_descriptors"


@pytest.fixture
def few(make_fig: Callable[..., Fig]) -> Callable[[str], Fig]:
    """Make a proxy that may open 512 descriptors a process, with lines of ``limits``."""
    if (prlimit := shutil.which("prlimit")) is None:
        pytest.skip("there is no prlimit to start it with fewer")

    def make(limits: str) -> Fig:
        fig = make_fig()
        fig.config.write_text(f"{fig.config.read_text()}limits: {{{limits}}}\n")
        fig.prefix = [prlimit, "--nofile=512:512"]
        return fig.start()

    return make


@pytest.mark.slow
def test_what_descriptors_do_not_allow_is_said(few: Callable[[str], Fig]) -> None:
    fig = few("connections: 400")
    log = fig.log()
    assert SAID in log
    assert f'"each_worker_can_hold": {connections_within(512)}' in log
    assert "LimitNOFILE" in log
    before = fig.generation
    fig.edit("connections: 400", "connections: 401")
    wait_until(lambda: fig.generation > before)
    assert fig.log().count(SAID) == 2
    fig.edit("connections: 401", "connections: 100")
    wait_until(lambda: fig.generation > before + 1)
    assert fig.log().count(SAID) == 2


@pytest.mark.slow
def test_a_worker_without_a_descriptor_left_accepts_again_when_it_has_one(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig().start()
    (worker,) = fig.pids("worker")
    kept = http.client.HTTPConnection("127.0.0.1", fig.port, timeout=15)

    def ask() -> int:
        kept.request("GET", "/kept")
        response = kept.getresponse()
        response.read()
        return response.status

    assert ask() == 200
    opened = max(int(entry.name) for entry in Path(f"/proc/{worker}/fd").iterdir())
    _, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (opened + 4, hard))
    clients = [socket.create_connection(("127.0.0.1", fig.port), timeout=15) for _ in range(40)]
    # Those for which there is no descriptor are cut off, so that they do not wait for ever.
    wait_until(lambda: sum(is_cut(client) for client in clients) >= 30)
    assert ask() == 200
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (hard, hard))
    for client in clients:
        client.close()
    load = Load(fig.port, "/api/catalog/1")
    with load.running():
        load.more()
    assert load.failures == []
    assert ask() == 200
    assert fig.pids("worker") == [worker]
    kept.close()


def is_cut(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
