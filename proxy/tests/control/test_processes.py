"""Each process can die alone: what clients and counters see of it."""

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

import pytest
from fig_process import SECRET, Fig, Load, Upstream, wait_until

from stranglerfig.channel.hub import Hub, Link
from stranglerfig.channel.messages import State
from stranglerfig.control import fleet as fleet_module
from stranglerfig.control import sockets
from stranglerfig.control.fleet import HUNG_AFTER_LOOKS, Fleet
from stranglerfig.control.running import Running
from stranglerfig.control.source import Source
from stranglerfig.counters import read_all
from stranglerfig.counters.names import REQUESTS


def counted(fig: Fig) -> int:
    counts = read_all(fig.state_dir / "counters")
    return sum(count for (name, _), count in counts.items() if name == REQUESTS)


def worker_restarts(fig: Fig) -> int:
    return sum(worker["restarts"] for worker in fig.status()["workers"])


def is_whole(fig: Fig) -> bool:
    status = fig.status()
    return all(worker["up"] for worker in status["workers"]) and status["comparer"]["up"]


def test_ready_says_where_it_is_and_that_generation_one_runs(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig().start()
    facts = fig.facts()
    assert fig.process is not None
    assert facts["pid"] == fig.process.pid
    assert facts["config"] == str(fig.config)
    assert fig.generation_of("/api/catalog/1") == 1
    assert fig.admin("GET", "/readyz")[0] == 200
    assert fig.stop() == 0
    assert fig.facts() == {}
    assert fig.processes() == []
    assert [entry["event"] for entry in fig.audit()] == ["start", "stop"]


def test_secrets_are_in_no_argument_environment_or_log_of_the_children(fig: Fig) -> None:
    fig.get("/")
    for pid in fig.processes():
        assert fig.process is not None
        if pid == fig.process.pid:
            continue
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:  # noqa: PTH123
                assert SECRET.encode() not in file.read()
    assert SECRET not in fig.log()


@pytest.mark.slow
def test_a_second_serve_is_refused_and_harms_nothing(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig().start()
    again = fig.command("serve")
    assert again.returncode == 1
    assert f"pid {fig.facts()['pid']}" in again.stderr
    assert fig.facts()["listen"] in again.stderr

    other = make_fig(name="other")
    other.config.write_text(
        other.config.read_text().replace("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{fig.port}")
    )
    refused = other.command("serve")
    assert refused.returncode == 1
    assert "already in use by pid" in refused.stderr
    assert "stranglerfig.server.worker" in refused.stderr or "serve" in refused.stderr
    assert other.processes() == []

    assert fig.get("/")[0] == 200
    assert is_whole(fig)


@pytest.mark.slow
def test_a_killed_worker_is_replaced_with_its_socket_and_its_counts(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2).start()
    load = Load(fig.port, "/api/catalog/1")
    with load.running():
        load.more()
        for killed in range(1, 3):
            (first, *_) = fig.pids("worker")
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: worker_restarts(fig) == killed and is_whole(fig))  # noqa: B023
            load.more()
    # Requests that the killed worker was answering are cut; a connection that it had not accepted is answered by
    # its successor, so that nobody is ever refused.
    assert not [failure for failure in load.failures if "Refused" in failure]
    assert len(load.failures) <= 2 * 6
    # Counted when the answer was handed over: a kill in between loses at most those under way.
    assert load.answers <= counted(fig) + 2 * 6
    assert counted(fig) <= load.answers + len(load.failures)
    assert b'fig_process_restarts_total{process="worker"} 2.0' in fig.admin("GET", "/metrics")[2]
    assert [entry["event"] for entry in fig.audit()].count("child_died") == 2


@pytest.mark.slow
def test_a_hung_worker_is_replaced_by_the_next_change(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig(workers=2).start()
    (hung, _) = fig.pids("worker")
    os.kill(hung, signal.SIGSTOP)
    answer = fig.set("catalog", "service")
    assert len(answer["replaced_workers"]) == 1
    assert answer["missing_workers"] == []
    assert hung not in fig.pids("worker")
    assert {fig.generation_of("/api/catalog/1") for _ in range(12)} == {answer["generation"]}


async def test_a_child_that_says_nothing_any_more_is_replaced(
    make_fig: Callable[..., Fig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = Source(make_fig().config)
    written = source.parse(source.read())
    deaths: list[int] = []
    seated: asyncio.Queue[bool] = asyncio.Queue()
    hub = Hub(lambda link: seated.put_nowait(fleet.seat(link)))
    fleet = Fleet(hub, log_format="json", on_death=lambda _, code: deaths.append(code))
    hub.start()
    with sockets.listen("127.0.0.1", 0, slots=1)[0] as listener:
        running = Running(written.config, written.rules, {}, 1, written.key, None, "key")
        fleet.start_workers([listener], running.message())
        assert await asyncio.wait_for(seated.get(), 30)
        assert await fleet.ready(30)
        (seat,) = fleet.workers
        first, link = seat.process.pid, seat.link
        assert first is not None
        assert link is not None
        for _ in range(HUNG_AFTER_LOOKS // 2):
            fleet.look()
        link.receive(State(state={}))
        for _ in range(HUNG_AFTER_LOOKS // 2):
            fleet.look()
        assert seat.is_taken
        os.kill(first, signal.SIGSTOP)
        for _ in range(HUNG_AFTER_LOOKS):
            fleet.look()
        assert await asyncio.wait_for(seated.get(), 30)
        assert await fleet.ready(30)
        assert link.closed.is_set()
        assert seat.process.pid not in (None, first)
        assert deaths == [-signal.SIGKILL]
        await fleet.stop(1.0)
    await hub.stop()


PREDECESSORS_WORKER = """\
import asyncio, sys
from stranglerfig.channel.child import ChildChannel

async def take(message):
    if sys.argv[2] == "refuses":
        raise ValueError("unknown key")

async def drain(deadline_s):
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(
    ChildChannel(
        role="worker", slot=int(sys.argv[1]), on_snapshot=take, on_drain=drain, state=dict
    ).run()
)
"""


async def test_a_predecessors_worker_that_takes_no_table_of_ours_may_finish_what_it_has(
    make_fig: Callable[..., Fig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = Source(make_fig().config)
    written = source.parse(source.read())
    arrived: asyncio.Queue[Link] = asyncio.Queue()
    hub = Hub(arrived.put_nowait)
    fleet = Fleet(hub, log_format="json", on_death=lambda *_: None)
    hub.start()
    first = Running(written.config, written.rules, {}, 1, written.key, None, "key")
    fleet.start_workers([], first.message())
    # The time to acknowledge the first is over at once, and that for later ones never: who is waited for would be seen.
    monkeypatch.setattr(fleet_module, "ACK_TIMEOUT_S", 0.0)
    started, links, leaving = [], [], []
    for slot, kind in enumerate(("refuses", "takes")):
        started.append(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", PREDECESSORS_WORKER, str(slot), kind),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        links.append(await asyncio.wait_for(arrived.get(), 30))
        leaving.append(asyncio.create_task(fleet.leave(links[-1], 600.0)))
    refusing, hanging = started
    assert await asyncio.wait_for(links[1].acked(1), 30)
    monkeypatch.setattr(fleet_module, "ACK_TIMEOUT_S", 3600.0)
    await asyncio.wait_for(fleet.spread(replace(first, generation=2).message()), 30)
    assert [link.generation for link in links] == [0, 2]
    os.kill(hanging.pid, signal.SIGSTOP)
    monkeypatch.setattr(fleet_module, "ACK_TIMEOUT_S", 0.0)
    await fleet.spread(replace(first, generation=3).message())
    assert await asyncio.wait_for(hanging.wait(), 30) == -signal.SIGKILL
    assert refusing.returncode is None
    assert refusing.stdin is not None
    refusing.stdin.close()
    assert await asyncio.wait_for(refusing.wait(), 30) == 0
    await asyncio.gather(*leaving)
    await hub.stop()


def test_children_may_open_as_many_descriptors_as_the_system_allows(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig()
    if (prlimit := shutil.which("prlimit")) is None:
        pytest.skip("there is no prlimit to start it with fewer")
    fig.prefix = [prlimit, "--nofile=256:2048"]
    fig.start()
    (worker,) = fig.pids("worker")
    assert resource.prlimit(worker, resource.RLIMIT_NOFILE) == (2048, 2048)


@pytest.mark.slow
def test_an_abort_during_a_set_does_not_kill_the_worker_that_was_just_started(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2).start()
    before = fig.generation
    (hung, _) = fig.pids("worker")
    os.kill(hung, signal.SIGSTOP)
    setting = threading.Thread(target=fig.set, args=("catalog", "service"))
    setting.start()
    wait_until(lambda: fig.generation > before)
    answer = json.loads(fig.admin("POST", "/api/abort", {"capability": "catalog", "why": "x"})[2])
    setting.join()
    assert answer["missing_workers"] == []
    assert worker_restarts(fig) == 1
    assert {json.loads(fig.get("/api/catalog/1")[2])["upstream"] for _ in range(12)} == {"monolith"}


@pytest.mark.slow
def test_a_worker_that_is_killed_on_a_full_disk_is_replaced(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig(workers=2).start()
    fig.get("/api/catalog/1")
    assert fig.process is not None
    resource.prlimit(fig.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    (killed, _) = fig.pids("worker")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: worker_restarts(fig) == 1 and is_whole(fig))
    load = Load(fig.port, "/api/catalog/1")
    with load.running():
        load.more()
    assert load.failures == []
    assert worker_restarts(fig) == 1


def test_a_folder_that_cannot_be_used_is_said_to_be(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    fig.state_dir.mkdir()
    (fig.state_dir / "counters").write_text("no folder")
    refused = fig.command("serve")
    assert refused.returncode == 1
    assert "counters can't be used" in " ".join(refused.stderr.split())
    assert fig.processes() == []


@pytest.mark.slow
def test_a_killed_comparer_is_nobodys_business_but_its_own(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig().start()
    fig.set("catalog", "shadow")
    load = Load(fig.port, "/api/catalog/1")
    with load.running():
        for restarts in range(1, 4):
            load.more()
            (comparer,) = fig.pids("comparer")
            os.kill(comparer, signal.SIGKILL)
            wait_until(lambda: fig.status()["comparer"]["restarts"] == restarts)  # noqa: B023
            wait_until(lambda: is_whole(fig))
        load.more()
    assert load.failures == []
    assert worker_restarts(fig) == 0

    def account() -> dict[str, object]:
        found: dict[str, object] = fig.status()["capabilities"][0]["comparison"]
        return found

    wait_until(lambda: account()["waiting"] == account()["under_way"] == 0, explain=account)
    found = fig.status()["capabilities"][0]["comparison"]
    assert found["asked"] == load.answers
    assert found["different"] > 0  # they tell their names, which differ


@pytest.mark.slow
def test_a_killed_supervisor_leaves_its_workers_serving_and_a_new_one_takes_over(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2).start()
    fig.set("catalog", "service")
    old_workers = fig.pids("worker")
    old_generation = fig.generation
    fig.pin_ports()
    load = Load(fig.port, "/api/catalog/1")
    with load.running():
        load.more()
        fig.kill()
        load.more()
        assert fig.command("status").returncode == 1
        said = fig.command("set", "catalog", "service", "--why", "x")
        assert "3 processes of a killed supervisor still serve" in said.stderr
        seen = fig.command("status", "--json")
        assert (seen.returncode, len(json.loads(seen.stdout)["orphans"])) == (1, 3)
        fig.start()
        load.more()
        wait_until(lambda: not set(old_workers) & set(fig.processes()), 20)
        load.more()
    assert load.failures == []
    assert set(load.bodies) == {b'{"upstream": "catalog", "path": "/api/catalog/1"}'}
    wait_until(lambda: counted(fig) == load.answers)  # counted a moment after the client has it
    assert fig.generation > old_generation
    assert is_whole(fig)
    assert fig.audit()[-1]["took_over"] == 3
    assert fig.set("catalog", "monolith")["generation"] == fig.generation
    assert fig.stop() == 0
    assert fig.processes() == []


@pytest.mark.slow
def test_a_supervisor_finds_orphans_that_nobody_announced(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig().start()
    fig.pin_ports()
    fig.kill()
    (fig.state_dir / "serve.json").unlink()
    fig.start()
    assert fig.get("/")[0] == 200
    assert fig.audit()[-1]["took_over"] == 2


@pytest.mark.slow
def test_orphans_end_when_their_state_dir_is_gone(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig().start()
    workers = fig.pids("worker") + fig.pids("comparer")
    fig.kill()
    subprocess.run(["rm", "-rf", str(fig.state_dir)], check=True)
    wait_until(lambda: not any(is_running(pid) for pid in workers))


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_stop_lets_a_slow_answer_finish(make_fig: Callable[..., Fig], monolith: Upstream) -> None:
    fig = make_fig().start()
    monolith.held.clear()
    monolith.release.clear()
    answers: list[tuple[int, dict[str, str], bytes]] = []
    asking = threading.Thread(target=lambda: answers.append(fig.get("/held/1")))
    port = fig.port
    asking.start()
    assert monolith.held.wait(10)
    assert fig.process is not None
    fig.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "draining" in fig.log())
    wait_until(lambda: is_refused(port))
    assert fig.process.poll() is None
    monolith.release.set()
    asking.join()
    assert answers[0][0] == 200
    assert json.loads(answers[0][2])["upstream"] == "monolith"
    assert fig.process.wait(20) == 0
    assert fig.processes() == []


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


@pytest.mark.slow
@pytest.mark.parametrize("how", ["the deadline", "a second signal"])
def test_an_answer_that_never_ends_does_not_keep_the_proxy_alive(
    make_fig: Callable[..., Fig], monolith: Upstream, how: str
) -> None:
    fig = make_fig()
    fig.start("--drain", "0.5" if how == "the deadline" else "60")
    monolith.held.clear()
    monolith.release.clear()
    failed = threading.Event()

    def ask() -> None:
        try:
            fig.get("/held/1")
        except (OSError, HTTPException):
            failed.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert monolith.held.wait(10)
    assert fig.process is not None
    fig.process.send_signal(signal.SIGINT)
    if how == "a second signal":
        wait_until(lambda: "draining" in fig.log())
        fig.process.send_signal(signal.SIGINT)
    assert fig.process.wait(20) == 0
    asking.join()
    assert failed.is_set()
    assert fig.processes() == []
    monolith.release.set()


@pytest.mark.slow
def test_workers_that_cannot_start_are_an_error_and_leave_the_orphans_serving(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig().start()
    fig.pin_ports()
    port, killed = fig.port, fig.facts()["pid"]
    fig.kill()
    fig.environment["PYTHONPATH"] = str(fig.folder)
    (fig.folder / "sitecustomize.py").write_text(
        "import sys\nif any('server.worker' in a for a in sys.orig_argv): sys.exit(3)\n"
    )
    process = fig.launch()
    assert process.wait(60) == 1
    assert "the workers do not come up" in fig.log()
    assert fig.facts()["pid"] == killed  # by it the orphans are found, also by people
    said = fig.command("set", "catalog", "service", "--why", "x").stderr
    assert "killed supervisor still serve" in said
    assert fig.audit()[-1]["event"] != "stop"
    load = Load(port, "/")
    with load.running():
        load.more()
    assert load.failures == []


def test_python_m_stranglerfig_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stranglerfig", "--version"], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"fig ")
