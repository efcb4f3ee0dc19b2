"""What "effective" means: no request that begins after a change returned is routed by an older table."""

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
from fig_process import Fig, debug_header, generation_in, wait_until

pytestmark = pytest.mark.slow
CLIENTS = 8


class Watchers:
    """Clients on kept connections that note when each request began and which generation routed it."""

    def __init__(self, port: int) -> None:
        self.seen: list[tuple[float, int]] = []
        self.errors: list[str] = []
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._watch) for _ in range(CLIENTS)]

    def __enter__(self) -> "Watchers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _watch(self) -> None:
        headers = {"Fig-Debug": debug_header()}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                connection.request("GET", "/api/catalog/1", headers=headers)
                response = connection.getresponse()
                response.read()
                self.seen.append((began, generation_in(response.headers["Fig-Plan"])))
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.errors.append(repr(error))
        connection.close()

    def stale(self, changes: list[tuple[float, int]]) -> list[tuple[float, int, int]]:
        """Requests that an older table routed although they began after the change had returned."""
        return [
            (began, generation, wanted)
            for returned, wanted in changes
            for began, generation in self.seen
            if began > returned and generation < wanted
        ]


def test_no_request_that_began_after_set_returned_has_an_older_table(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2).start()
    changes: list[tuple[float, int]] = []
    effective_ms: list[float] = []
    with Watchers(fig.port) as watchers:
        for stage in ("shadow", "canary", "service", "monolith") * 5:
            answer = fig.set("catalog", stage, 50 if stage == "canary" else None)
            changes.append((time.monotonic(), answer["generation"]))
            effective_ms.append(answer["effective_ms"])
            wanted = len(watchers.seen) + 3 * CLIENTS
            wait_until(lambda: len(watchers.seen) >= wanted)  # noqa: B023
    assert watchers.errors == []
    assert watchers.stale(changes) == []
    assert sorted(effective_ms)[len(effective_ms) // 2] < 250


def test_a_saved_file_is_effective_on_all_workers_within_a_quarter_second(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2).start()
    effective_ms: list[float] = []
    with Watchers(fig.port) as watchers:
        for old, new in (("monolith", "service"), ("service", "monolith")) * 5:
            before = fig.generation
            fig.edit(f"stage: {old}", f"stage: {new}")
            wait_until(lambda: (fig.status()["last_change"] or {}).get("generation") == before + 1)  # noqa: B023
            effective_ms.append(fig.status()["last_change"]["effective_ms"])
    assert watchers.errors == []
    # The middle of ten: one look of a busy machine may be late.
    assert sorted(effective_ms)[len(effective_ms) // 2] < 250


def test_a_worker_that_dies_while_set_waits_does_not_bring_the_old_table_back(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2).start()
    changes: list[tuple[float, int]] = []
    with Watchers(fig.port) as watchers:
        for stage in ("service", "monolith", "service"):
            os.kill(fig.pids("worker")[0], signal.SIGKILL)
            answer = fig.set("catalog", stage)
            changes.append((time.monotonic(), answer["generation"]))
            assert answer["missing_workers"] == []
            wait_until(lambda: all(worker["up"] for worker in fig.status()["workers"]))
    assert watchers.stale(changes) == []
