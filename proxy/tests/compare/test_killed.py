"""The whole proxy, its comparer and its workers killed with -9 under traffic: users notice nothing, and the sums add up."""

import json
import os
import signal
from collections.abc import Callable

import pytest
from compared import account, is_comparing
from fig_process import Fig, Load, Upstream, wait_until

from stranglerfig.compare.account import Account
from stranglerfig.compare.reading import read_clusters

pytestmark = pytest.mark.slow


def settled(fig: Fig) -> Account:
    """The account once every request that was asked has an outcome."""
    wait_until(lambda: account(fig).waiting == 0, 40, lambda: f"{account(fig)}\n{fig.log()}")
    return account(fig)


def kill_comparer(fig: Fig) -> None:
    (pid,) = fig.pids("comparer")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: fig.pids("comparer") not in ([], [pid]))


def more_compared(fig: Fig) -> None:
    before = account(fig).different
    wait_until(
        lambda: account(fig).different > before + 50, 30, lambda: f"{account(fig)}\n{fig.log()}"
    )


def is_replaced(fig: Fig, pid: int) -> bool:
    pids = fig.pids("worker")
    return pid not in pids and len(pids) == 2


@pytest.fixture
def shadowing(make_fig: Callable[..., Fig]) -> Fig:
    fig = make_fig(workers=2).start()
    fig.set("catalog", "shadow")
    wait_until(lambda: is_comparing(fig))
    return fig


def test_the_comparer_killed_under_traffic_is_never_seen_and_nothing_is_unaccounted(
    shadowing: Fig,
) -> None:
    load = Load(shadowing.port, "/api/catalog/")
    with load.running():
        for _ in range(4):
            more_compared(shadowing)
            kill_comparer(shadowing)
        more_compared(shadowing)
    assert load.failures == []
    body = json.dumps({"upstream": "monolith", "path": "/api/catalog/"}).encode()
    assert load.bodies == {body: load.answers}
    found = settled(shadowing)
    assert found.asked == load.answers
    assert found.different == sum(found.results.values())
    (cluster,) = read_clusters(shadowing.state_dir / "compare.db")
    assert cluster.path == "$.upstream"
    assert cluster.count >= found.different  # stored first, counted then


def test_what_the_comparer_had_in_its_hands_is_lost_by_name(
    shadowing: Fig, monolith: Upstream, catalog: Upstream
) -> None:
    monolith.release.set()
    catalog.release.clear()
    catalog.held.clear()
    try:
        for number in range(5):
            assert shadowing.get(f"/held/{number}")[0] == 200
        assert catalog.held.wait(20)
        wait_until(lambda: shadowing.status()["comparer"]["state"].get("waiting") == 5)
        kill_comparer(shadowing)
    finally:
        catalog.release.set()
        monolith.release.clear()
    found = settled(shadowing)
    assert (found.asked, found.lost, found.results) == (5, {"comparer": 5}, {})


def test_a_worker_killed_under_traffic_leaves_no_request_unaccounted(shadowing: Fig) -> None:
    load = Load(shadowing.port, "/api/catalog/")
    with load.running():
        for _ in range(3):
            more_compared(shadowing)
            pid = shadowing.pids("worker")[0]
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: is_replaced(shadowing, pid))
        load.more()
    found = settled(shadowing)
    # Who was killed with an answer half sent has left an outcome too.
    assert load.answers <= found.asked <= load.answers + len(load.failures)


def test_the_whole_proxy_killed_and_started_again_settles_its_account(shadowing: Fig) -> None:
    with Load(shadowing.port, "/api/catalog/").running():
        more_compared(shadowing)
        shadowing.kill()
        for pid in (*shadowing.pids("worker"), *shadowing.pids("comparer")):
            os.kill(pid, signal.SIGKILL)
    shadowing.start()
    assert settled(shadowing).different > 50
    result = shadowing.command("diffs", "--json")
    assert result.returncode == 1, result.stderr
    assert json.loads(result.stdout)["accounts"]["catalog"]["waiting"] == 0


def test_a_comparer_that_hangs_costs_users_nothing(shadowing: Fig) -> None:
    (pid,) = shadowing.pids("comparer")
    os.kill(pid, signal.SIGSTOP)
    load = Load(shadowing.port, "/api/catalog/")
    try:
        with load.running():
            load.more(1000)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert load.failures == []
    assert settled(shadowing).asked == load.answers
