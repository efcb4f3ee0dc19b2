"""Everything is killed at random moments while somebody writes: in the end nothing is lost, doubled or stale."""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.cluster import cluster, programs
from tests.killing import Database, Process, System, database_url, writing

pytestmark = pytest.mark.slow

SECONDS = 10.0


@pytest.fixture
def system(tmp_path: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[System]:
    with ExitStack() as stack:
        urls = [stack.enter_context(database_url(tmp_path, name)) for name in ("source", "copy")]
        system = System(*map(Database, urls), tmp_path)
        stack.callback(system.end)
        yield system


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_under_writes_nothing_is_lost_doubled_or_stale(
    system: System, seed: int
) -> None:
    draw = random.Random(seed)
    with ExitStack() as writers:
        writers.enter_context(writing(system.source_env, seed))
        if connection.vendor == "postgresql":  # commits in between the other one's transactions
            writers.enter_context(writing(system.source_env, seed + 100))
        kills, ends = 0, time.monotonic() + SECONDS
        while kills < 4 or time.monotonic() < ends:
            for process in system.everything:
                if not process.runs():
                    process.start()
            system.wait_for_a_page()
            time.sleep(draw.uniform(0, 0.4))  # a moment that no commit sets
            assert system.consumer.runs(), system.log()
            for victim in draw.sample(system.everything, draw.choice([1, 1, 2, 3])):
                victim.end(draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
                kills += 1
    # Where little happens between two kills the first copying is not done yet: then it ends in peace, and without
    # writers, who may be faster than a consumer that has to share its core.
    for process in system.everything:
        if not process.runs():
            process.start()
    system.wait_for_line("in step")
    system.end()
    system.server.start()
    system.assert_equal()
    assert system.changes() > 50


def test_source_that_is_killed_and_comes_back_is_one_line_each_way(system: System) -> None:
    with writing(system.source_env, 3):
        system.server.start()
        system.consumer.start()
        system.wait_for_line("in step")
        for times in (1, 2):
            system.server.end()
            system.wait_for_line("can't be read", times)
            time.sleep(1.2)  # for at least one more attempt, of which nothing is told
            system.server.start()
            system.wait_for_line("going on again", times)
            system.wait_for_a_page()
        assert system.consumer.end(signal.SIGTERM) == 0
    assert [line.split(":")[1].split()[0] for line in system.lines()] == [
        *("copying", "in"),
        *("http", "going") * 2,
    ]
    system.assert_equal()


def test_of_two_consumers_the_second_leaves_the_first_alone(system: System) -> None:
    second = Process(system.copy_env, "tests/manage.py", "consume", log=system.second_log)
    with writing(system.source_env, 4):
        system.server.start()
        system.consumer.start()
        system.wait_for_line("in step")
        second.start()
        assert second.wait() == 1
        assert "another consume of this capability is running" in system.second_log.read_text()
        system.consumer.end(signal.SIGKILL)
        second.start()  # the lock went with its holder
        system.wait_for_a_page()
        assert second.end(signal.SIGINT) == 130
    system.assert_equal()


@pytest.mark.skipif(programs() is None, reason="needs PostgreSQL's programs")
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="its server is its own; once is enough"
)
def test_database_server_that_crashes_under_both_ends(tmp_path: Path) -> None:
    with cluster() as server, ExitStack() as stack:
        for name in ("source", "copy"):
            with server.connect() as connected:
                connected.execute(f"CREATE DATABASE {name}")
        system = System(Database(server.url("source")), Database(server.url("copy")), tmp_path)
        stack.callback(system.end)
        system.server.start()
        with writing(system.source_env, 5):
            system.consumer.start()
            system.wait_for_line("in step")
            for times in (1, 2):
                server.crash()
                system.wait_for_line("this service's database", times)
                server.start()
                system.wait_for_line("going on again", times)
                system.wait_for_a_page()
            assert system.consumer.end(signal.SIGTERM) == 0
        system.assert_equal()
