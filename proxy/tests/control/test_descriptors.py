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


@pytest.mark.slow
def test_too_few_are_said_and_a_worker_that_has_none_left_goes_on_when_it_has_some(
    make_fig: Callable[..., Fig],
) -> None:
    prlimit = shutil.which("prlimit")
    assert prlimit, "this needs prlimit, of util-linux"
    fig = make_fig()
    fig.config.write_text(f"{fig.config.read_text()}limits: {{connections: 400}}\n")
    fig.prefix = [prlimit, "--nofile=512:512"]
    fig.start()
    log = fig.log()
    assert log.count(SAID) == 1
    assert f'"each_worker_can_hold": {connections_within(512)}' in log
    assert "LimitNOFILE" in log
    before = fig.generation
    fig.edit("connections: 400", "connections: 401")
    wait_until(lambda: fig.generation > before)
    fig.edit("connections: 401", "connections: 100")
    wait_until(lambda: fig.generation > before + 1)
    assert fig.log().count(SAID) == 2

    (worker,) = fig.pids("worker")
    kept = http.client.HTTPConnection("127.0.0.1", fig.port, timeout=15)

    def ask() -> int:
        kept.request("GET", "/kept")
        response = kept.getresponse()
        response.read()
        return response.status

    assert ask() == 200
    opened = max(int(entry.name) for entry in Path(f"/proc/{worker}/fd").iterdir())
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (opened + 4, 512))
    clients = [socket.create_connection(("127.0.0.1", fig.port), timeout=15) for _ in range(40)]
    # Those for which there is no descriptor are cut off, so that they do not wait for ever.
    wait_until(lambda: sum(is_cut(client) for client in clients) >= 30)
    assert ask() == 200
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (512, 512))
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
