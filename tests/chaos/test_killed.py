"""Processes are killed while twenty shoppers browse: what they see of it, and that the accounts still add up."""

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chaos.processes import connections_at, has_ended, kill, pids
from crowd.accounts import (
    assert_all_accounts_agree,
    assert_asked_once,
    capability,
    is_whole,
    logged,
    metrics,
    settled,
    status,
    wait_until,
)
from crowd.shoppers import CATALOGUE, Crowd
from crowd.visitor import Visitor, debug_header
from stack import SeededData, Stack
from stack.proxy import Proxy

pytestmark = pytest.mark.slow


@pytest.fixture
def stack(tmp_path: Path, seeded: SeededData) -> Iterator[Stack]:
    with Stack.start(tmp_path / "stack", data=seeded) as stack:
        yield stack


def proxy_of(stack: Stack) -> Proxy:
    assert stack.proxy is not None
    return stack.proxy


def children(stack: Stack, role: str) -> list[int]:
    return pids(proxy_of(stack).facts()["children"], role)


def set_stage(stack: Stack, *words: str) -> None:
    stack.fig("set", "catalog", *words, "--why", "something will die")


def test_killed_worker_takes_only_what_it_was_answering(stack: Stack) -> None:
    set_stage(stack, "canary", "50")
    first, second = children(stack, "worker")
    port = urlsplit(stack.proxy_url).port or 0
    crowd = Crowd(stack)
    with crowd.browsing():
        crowd.wait_for(60)
        os.kill(first, signal.SIGSTOP)  # so that what it has can be counted
        had = connections_at(first, port)
        kill(first)
        killed_at = time.monotonic()
        wait_until(lambda: is_whole(stack) and first not in children(stack, "worker"))
        crowd.wait_for(100)

    assert len(crowd.failed) <= had, crowd.summary()
    for asked in crowd.failed:
        assert asked.began < killed_at, str(asked)
        assert asked.status in (0, 200), str(asked)  # cut off, not refused

    workers = status(stack)["workers"]
    assert second in [worker["pid"] for worker in workers]
    assert sorted(worker["restarts"] for worker in workers) == [0, 1]

    whole = [asked for asked in crowd.asked if not asked.has_failed]
    counted = Counter[str]()
    for (_, side, _, status_class), count in metrics(stack, "fig_requests").items():
        assert status_class == "2xx"
        counted[side] += count
    told = Counter(asked.side for asked in whole)
    monolith, service = logged(stack, told["monolith"], told["service"])
    for side, lines in (("monolith", monolith), ("service", service)):
        # What was cut may have been answered by the upstream, and counted or not: that is all there is between them.
        assert told[side] <= len(lines) <= told[side] + len(crowd.failed)
        assert told[side] - len(crowd.failed) <= counted[side] <= len(lines)
    assert_asked_once([*monolith, *service])

    account = settled(stack)
    claimed = sum(asked.path.startswith(CATALOGUE) for asked in whole)
    assert claimed <= account["asked"] <= claimed + len(crowd.failed)
    assert set(account["not_teed"]) <= {"worker_died"}
    assert set(account["lost"]) <= {"worker"}
    assert account["different"] == account["no_answer"] == 0


def test_killed_comparer_is_never_noticed_and_its_sums_add_up(stack: Stack) -> None:
    set_stage(stack, "shadow")
    workers = children(stack, "worker")
    crowd = Crowd(stack)
    kills = 5
    with crowd.browsing():
        for time_ in range(1, kills + 1):
            crowd.wait_for(40)
            (comparer,) = children(stack, "comparer")
            kill(comparer)
            crowd.wait_for(10)
            wait_until(lambda: status(stack)["comparer"]["restarts"] == time_ and is_whole(stack))  # noqa: B023
        crowd.wait_for(40)
    assert crowd.failed == [], crowd.summary()
    assert crowd.connections == crowd.visitors
    assert children(stack, "worker") == workers
    account = settled(stack)
    assert account["asked"] == len(crowd.catalogued)
    assert account["equal"] > 0
    assert account["different"] == account["no_answer"] == 0
    assert set(account["not_teed"]) <= {"comparer_away", "queue_full"}
    assert set(account["lost"]) <= {"comparer", "pipe"}
    assert_all_accounts_agree(stack, crowd.asked)


def test_hung_comparer_is_never_noticed(stack: Stack) -> None:
    """It stops amid questions to the monolith, which nobody may thereby be kept from."""
    set_stage(stack, "service")
    (comparer,) = children(stack, "comparer")
    crowd = Crowd(stack)
    with crowd.browsing():
        crowd.wait_for(60)
        os.kill(comparer, signal.SIGSTOP)
        try:
            crowd.wait_for(150)
            set_stage(stack, "canary", "50")
            crowd.wait_for(60)
        finally:
            os.kill(comparer, signal.SIGCONT)
        crowd.wait_for(20)
    assert crowd.failed == [], crowd.summary()
    account = settled(stack)
    assert account["asked"] == len(crowd.catalogued)
    assert account["different"] == 0
    assert_all_accounts_agree(stack, crowd.asked)


def test_workers_and_comparer_killed_together_again_and_again_are_accounted_for(
    stack: Stack,
) -> None:
    set_stage(stack, "canary", "50")
    port = urlsplit(stack.proxy_url).port or 0
    crowd = Crowd(stack)
    had = 0
    with crowd.browsing():
        for turn in range(4):
            crowd.wait_for(30)
            worker = children(stack, "worker")[turn % 2]
            (comparer,) = children(stack, "comparer")
            os.kill(worker, signal.SIGSTOP)
            had += connections_at(worker, port)
            for pid in (worker, comparer) if turn < 2 else (comparer, worker):
                kill(pid)
            wait_until(
                lambda: (
                    is_whole(stack)
                    and worker not in children(stack, "worker")  # noqa: B023
                    and comparer not in children(stack, "comparer")  # noqa: B023
                ),
                lambda: status(stack),
            )
        crowd.wait_for(40)
    assert len(crowd.failed) <= had, crowd.summary()
    account = settled(stack)
    whole = [asked for asked in crowd.catalogued if not asked.has_failed]
    assert len(whole) <= account["asked"] <= len(whole) + len(crowd.failed)
    assert account["equal"] > 0
    assert account["different"] == account["no_answer"] == 0
    assert set(account["not_teed"]) <= {"worker_died", "comparer_away"}
    assert set(account["lost"]) <= {"worker", "pipe", "comparer"}
    monolith, service = logged(stack, 0, 0)
    assert_asked_once([*monolith, *service])


def test_killed_supervisor_is_never_noticed_and_a_new_one_takes_over(stack: Stack) -> None:
    set_stage(stack, "service")
    proxy = proxy_of(stack)
    before = children(stack, "worker") + children(stack, "comparer")
    generation = status(stack)["generation"]
    crowd = Crowd(stack)
    with crowd.browsing():
        crowd.wait_for(40)
        proxy.send(signal.SIGKILL)
        proxy.wait()
        crowd.wait_for(60)
        assert not any(has_ended(pid) for pid in before)
        proxy.start_successor()
        crowd.wait_for(60)
        set_stage(stack, "canary", "50")
        changed_at = time.monotonic()
        crowd.wait_for(60)
        wait_until(lambda: all(has_ended(pid) for pid in before))
        crowd.wait_for(40)
    assert crowd.failed == [], crowd.summary()
    assert is_whole(stack)
    now = status(stack)
    assert now["generation"] == generation + 2  # the successor's first, and the change
    assert now["leaving_workers"] == 0
    for asked in crowd.asked:
        assert asked.generation >= generation
        assert asked.began < changed_at or asked.generation == generation + 2, str(asked)
    account = settled(stack)
    assert account["asked"] == len(crowd.catalogued)
    assert account["different"] == account["no_answer"] == 0
    assert_all_accounts_agree(stack, crowd.asked)


def test_killed_monolith_is_502_until_it_is_back_and_the_service_sells_on(stack: Stack) -> None:
    set_stage(stack, "service")
    proxy = proxy_of(stack)
    before = [proxy.pid, *children(stack, "worker"), *children(stack, "comparer")]
    visitor = Visitor(stack.proxy_url, debug_header(stack.secret))
    page, offer = "/", f"{CATALOGUE}categories/"
    assert [visitor.get(path).status for path in (page, offer)] == [200, 200]
    right = visitor.get(offer).body

    crowd = Crowd(stack)
    with crowd.browsing():
        crowd.wait_for(40)
        stack.monolith.send(signal.SIGKILL)
        stack.monolith.stop()  # its workers too
        gone_at = time.monotonic()
        crowd.wait_for(60)
        answers = [visitor.get(path) for path in (page, offer, page, offer)]
        meant_back_at = time.monotonic()
        stack.monolith.start_again()
        back_at = time.monotonic()
        crowd.wait_for(60)
        healed = visitor.get(page)
    visitor.leave()

    assert [(asked.status, asked.error) for asked in answers] == [(502, ""), (200, "")] * 2
    assert {asked.body for asked in answers[1::2]} == {right}
    assert not healed.has_failed, str(healed)
    assert not [asked for asked in crowd.failed if asked.path.startswith(CATALOGUE)], (
        crowd.summary()
    )
    pages = [asked for asked in crowd.asked if not asked.path.startswith(CATALOGUE)]
    assert all(a.status == 502 for a in pages if gone_at < a.began and a.ended < meant_back_at)
    assert not [asked for asked in pages if asked.began > back_at and asked.has_failed]
    assert [proxy.pid, *children(stack, "worker"), *children(stack, "comparer")] == before
    account = settled(stack)
    assert account["no_answer"] > 0  # the control was not there to be compared with
    assert account["different"] == 0


def test_killed_service_takes_its_own_users_alone(stack: Stack) -> None:
    set_stage(stack, "canary", "50")
    crowd = Crowd(stack)
    with crowd.browsing():
        crowd.wait_for(60)
        stack.service.send(signal.SIGKILL)
        stack.service.stop()
        gone_at = time.monotonic()
        crowd.wait_for(60)
        set_stage(stack, "shadow")
        taken_back_at = time.monotonic()
        crowd.wait_for(60)
        stack.service.start_again()
        crowd.wait_for(60)
        set_stage(stack, "service")
        crowd.wait_for(60)
    assert {asked.side for asked in crowd.failed if not asked.error} <= {"service"}
    assert all(asked.side == "service" for asked in crowd.failed if asked.began > gone_at)
    assert {asked.status for asked in crowd.failed} <= {502, 200}, crowd.summary()
    assert not [asked for asked in crowd.failed if asked.began > taken_back_at], crowd.summary()
    settled(stack)


def test_abort_holds_at_once_when_the_file_is_read_only(tmp_path: Path, seeded: SeededData) -> None:
    wrapper: tuple[str, ...] = ()
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        assert setpriv, "root writes anywhere: setpriv (util-linux) is needed to take that away"
        wrapper = (setpriv, "--bounding-set", "-all", "--inh-caps", "-all")
    with Stack.start(tmp_path / "stack", data=seeded, with_proxy=False) as stack:
        stack.start_proxy(wrapper=wrapper)
        set_stage(stack, "service")
        path = proxy_of(stack).config_path
        crowd = Crowd(stack)
        path.chmod(0o444)
        path.parent.chmod(0o555)
        try:
            with crowd.browsing():
                crowd.wait_for(40)
                done = stack.fig("abort", "catalog", "--why", "prices are wrong", check=False)
                aborted_at = time.monotonic()
                crowd.wait_for(60)
            assert done.returncode == 0, done.stderr
            assert "may not be written" in done.stdout + done.stderr
            assert "stage: service" in path.read_text()
            refused = stack.fig("set", "catalog", "shadow", "--why", "x", check=False)
            assert refused.returncode != 0
        finally:
            path.parent.chmod(0o755)
            path.chmod(0o644)
        assert crowd.failed == [], crowd.summary()
        sides = {asked.side for asked in crowd.catalogued if asked.began > aborted_at}
        assert sides == {"monolith"}
        assert capability(stack)["aborted"]["why"] == "prices are wrong"
        again = stack.fig("abort", "catalog", "--why", "the file follows now")
        assert again.returncode == 0
        assert "stage: monolith" in path.read_text()
