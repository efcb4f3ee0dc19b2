"""``fig serve --replace``: a new version takes the place of the one that runs, and nobody loses a connection."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from fig_process import Fig, Load, Upstream, wait_until

from stranglerfig.control.lock import LOCK_NAME, StateLock
from stranglerfig.counters import read_all
from stranglerfig.counters.names import CONNECTIONS, REQUESTS

BODY = b'{"upstream": "monolith", "path": "/api/catalog/1"}'


def counted(fig: Fig, metric: str = REQUESTS) -> int:
    counts = read_all(fig.state_dir / "counters")
    return sum(count for (name, _), count in counts.items() if name == metric)


@pytest.mark.slow
def test_nobody_notices_that_a_new_one_takes_the_place_again_and_again(
    make_fig: Callable[..., Fig], monolith: Upstream
) -> None:
    fig = make_fig(workers=2)
    patient = f"monolith: {{url: {monolith.url}, timeouts: {{response: 60s}}}}"
    fig.edit(f"monolith: {monolith.url}", patient)
    fig.start()
    fig.pin_ports()
    generation = fig.generation
    monolith.held.clear()
    monolith.release.clear()
    held: list[tuple[int, dict[str, str], bytes]] = []
    asking = threading.Thread(target=lambda: held.append(fig.get("/held/1")))
    asking.start()
    assert monolith.held.wait(10)
    load = Load(fig.port, "/api/catalog/1", clients=8)
    replaced, before = 2, [fig.pids("worker")]
    with load.running():
        load.more()
        for number in range(1, replaced + 1):
            fig.replace("--drain", "60")
            before.append(fig.pids("worker"))
            load.more()
            if number == 1:
                # The workers that are replaced wait for what they have.
                assert set(before[0]) & set(fig.processes())
                assert held == []
                monolith.release.set()
            wait_until(lambda: not set(before[-2]) & set(fig.processes()), explain=fig.log)
            load.more()
    asking.join()
    assert [answer[0] for answer in held] == [200]
    assert load.failures == []
    assert set(load.bodies) == {BODY}
    wait_until(lambda: counted(fig) == load.answers + 1)
    assert fig.generation == generation + replaced
    events = [entry["event"] for entry in fig.audit()]
    assert events.count("hand_over") == replaced
    assert [entry["took_over"] for entry in fig.audit() if "took_over" in entry] == [0, 3, 3]
    assert fig.set("catalog", "service")["missing_workers"] == []
    assert fig.stop() == 0
    assert fig.processes() == []


@pytest.mark.slow
def test_a_connection_that_is_kept_serves_until_it_is_told_to_close(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig().start()
    fig.pin_ports()
    kept = [http.client.HTTPConnection("127.0.0.1", fig.port, timeout=15) for _ in range(10)]
    stopping = threading.Event()
    answers: list[tuple[int, bool]] = []

    def keep_asking(connection: http.client.HTTPConnection) -> None:
        # Never idle: so each is answered on its connection, the last one with the word that it ends.
        while not stopping.is_set():
            connection.request("GET", "/api/catalog/1")
            response = connection.getresponse()
            response.read()
            ends = response.getheader("Connection") == "close"
            answers.append((response.status, ends))
        connection.close()

    threads = [threading.Thread(target=keep_asking, args=(each,)) for each in kept]
    for thread in threads:
        thread.start()
    fig.replace("--drain", "60")
    wait_until(lambda: len(fig.processes()) == 3)
    stopping.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {200}
    # http.client opens a new one by itself where it was told to: exactly one each.
    assert sum(ends for _, ends in answers) == len(kept)
    assert counted(fig, CONNECTIONS) == 2 * len(kept)


@pytest.mark.slow
def test_where_none_runs_or_the_file_is_bad_nobody_is_replaced_and_a_signal_by_hand_is_undone(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig().start("--replace")
    assert "nothing_to_replace" in fig.log()
    fig.pin_ports()
    port, pid = fig.port, fig.facts()["pid"]

    bad = fig.folder / "bad.yaml"
    bad.write_text(fig.config.read_text().replace("stage: monolith", "stage: nowhere"))
    refused = subprocess.run(
        [sys.executable, "-m", "stranglerfig", "serve", "--replace", "--config", str(bad)],
        capture_output=True,
        env=fig.environment,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 2
    assert fig.facts()["pid"] == pid
    assert fig.admin("GET", "/readyz")[0] == 200

    assert fig.process is not None
    fig.process.send_signal(signal.SIGUSR2)
    assert fig.process.wait(30) == 0
    load = Load(port, "/")
    with load.running():
        load.more()
        fig.start()
        load.more()
    assert load.failures == []
    assert fig.audit()[-1]["took_over"] == 2


@pytest.mark.slow
def test_what_would_fail_once_the_old_one_is_gone_is_refused_before_it_is_asked(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig().start()
    fig.pin_ports()
    good = fig.config.read_text()
    (fig.folder / "c.pem").write_text("garbage")
    (fig.folder / "c.key").write_text("garbage")
    aborts = fig.state_dir / "overrides.json"

    def refused(code: int, *words: str) -> None:
        said = fig.command("serve", "--replace")
        assert said.returncode == code, said.stderr
        told = " ".join(said.stderr.split())
        assert all(word in told for word in words), told

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fig.config.write_text(good + "tls: {certificate: c.pem, key: c.key}\n")
        refused(2, "no certificate")
        for key, there in (("admin", "127.0.0.1:0"), ("listen", f"127.0.0.1:{fig.port}")):
            fig.config.write_text(good.replace(f"{key}: {there}", f"{key}: 127.0.0.1:{port}"))
            refused(1, f"127.0.0.1:{port} can't be used", "already in use")
    fig.config.write_text(good)
    aborts.write_text("{")
    refused(1, "overrides.json can't be read")
    aborts.unlink()

    assert fig.admin("GET", "/readyz")[0] == 200
    assert "hand_over" not in [entry["event"] for entry in fig.audit()]
    # Its own two addresses are in nobody's way.
    fig.config.write_text(good.replace("admin: 127.0.0.1:0", f"admin: {fig.facts()['admin']}"))
    fig.replace()
    assert fig.get("/api/catalog/1")[0] == 200


def test_a_command_that_holds_the_lock_is_not_replaced(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    lock = StateLock.acquire(fig.state_dir, "fig set")
    said = fig.command("serve", "--replace")
    assert said.returncode == 1
    assert f"fig set (pid {os.getpid()})" in " ".join(said.stderr.split())
    # Who calls itself a supervisor and is none: it is asked nothing.
    (fig.state_dir / LOCK_NAME).write_text(f"fig serve (pid {os.getpid()})\n")
    said = fig.command("serve", "--replace")
    assert said.returncode == 1
    assert "not ready yet" in " ".join(said.stderr.split())
    lock.release()
    assert json.dumps(fig.facts()) == "{}"
