"""Who writes reads it back, while the service has not heard of it yet: real processes, two workers, real upstreams."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fig_process import SECRET, Fig, wait_until
from prometheus_client.parser import text_string_to_metric_families
from told_monolith import CREDENTIAL, ToldMonolith, reader
from typer.testing import CliRunner

from stranglerfig.cli.main import app
from stranglerfig.counters.block import read_block
from stranglerfig.counters.names import WROTE
from stranglerfig.signing.wrote import Ignored, Wrote, read_wrote, scope_of, write_wrote

pytestmark = pytest.mark.slow

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
upstreams:
  monolith: {monolith}
  catalog: {service}
capabilities:
  catalog:
    upstream: catalog
    stage: service
    percent: 100
    compare: false
    read_your_writes: {window}
    routes: ["* /api/catalog/**"]
"""
READ = "/api/catalog/1"
OLD, NEW = b"as it was", b"as it was written"


@pytest.fixture
def shop() -> Iterator[tuple[ToldMonolith, ToldMonolith]]:
    """A monolith, and a service that has what the monolith had a while ago."""
    monolith, service = ToldMonolith(), ToldMonolith()
    monolith.page = service.page = OLD
    yield monolith, service
    monolith.close()
    service.close()


@pytest.fixture
def serve(tmp_path: Path, shop: tuple[ToldMonolith, ToldMonolith]) -> Iterator[Callable[..., Fig]]:
    """Start a proxy before the shop; an empty text takes a variable out of its environment."""
    made: list[Fig] = []
    monolith, service = shop

    def start(window: str = "1h", **environment: str) -> Fig:
        text = CONFIG.format(monolith=monolith.url, service=service.url, window=window)
        fig = Fig(tmp_path, text)
        fig.environment = {k: v for k, v in (fig.environment | environment).items() if v}
        made.append(fig)
        return fig.start()

    yield start
    for fig in made:
        fig.clean_up()


Serve = Callable[..., Fig]
Shop = tuple[ToldMonolith, ToldMonolith]


def write(fig: Fig, path: str = "/product/1/review", cookie: str = "") -> str:
    """Write, and give the cookie that the answer set."""
    headers = {"Cookie": cookie} if cookie else {}
    status, answer, _ = fig.ask("POST", path, headers, NEW)
    assert status == 200
    return answer["Set-Cookie"].partition(";")[0]


def read(fig: Fig, cookie: str = "") -> bytes:
    return fig.get(READ, {"Cookie": cookie} if cookie else {})[2]


def catalog(fig: Fig) -> dict[str, Any]:
    found: dict[str, Any] = fig.status()["capabilities"][0]
    return found


def kill_workers(fig: Fig) -> None:
    """End every worker; what is asked meanwhile waits for its successor."""
    for pid in fig.pids("worker"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: [each["restarts"] for each in fig.status()["workers"]] == [1, 1])


def of_workers(fig: Fig, metric: str) -> list[int]:
    """What each worker slot counted."""
    counts = [read_block(path) for path in sorted(fig.state_dir.glob("counters/worker-*.cells"))]
    return [sum(n for (name, _), n in each.items() if name == metric) for each in counts]


def metric(fig: Fig, sample: str, **labels: str) -> float:
    text = fig.admin("GET", "/metrics")[2].decode()
    found = [
        each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name == sample and labels.items() <= each.labels.items()
    ]
    return sum(found)


@pytest.mark.parametrize("path", ["/product/1/review", READ])
def test_both_workers_show_writers_what_they_wrote_and_nobody_else(
    shop: Shop, serve: Serve, path: str
) -> None:
    fig = serve()
    assert read(fig) == OLD
    mine = write(fig, path)
    assert [read(fig, mine) for _ in range(40)] == [NEW] * 40
    assert [read(fig) for _ in range(10)] == [OLD] * 10
    # The kernel spreads connections: that one of two workers got none of 40 happens once in 10^12 runs.
    wait_until(lambda: sum(of_workers(fig, WROTE)) == 40)
    assert min(of_workers(fig, WROTE)) > 0
    assert shop[1].page == OLD
    assert catalog(fig)["wrote"] == {"monolith": 40, "service": 0}
    # The write itself is the capability's only where a route claims it.
    wait_until(lambda: catalog(fig)["requests_since_change"] == {"monolith": int(path == READ), "service": 11})  # fmt: skip
    assert metric(fig, "fig_wrote_requests_total", capability="catalog", side="monolith") == 40
    assert metric(fig, "fig_writes_remembered_total") == 1


def test_the_observed_share_is_that_of_the_users_who_did_not_just_write(serve: Serve) -> None:
    fig = serve()
    fig.set("catalog", "canary", 100)
    mine = write(fig)
    for _ in range(5):
        assert read(fig, mine) == NEW
        assert read(fig) == OLD
    wait_until(lambda: catalog(fig)["requests"] == {"monolith": 5, "service": 5})
    wait_until(lambda: catalog(fig)["observed_percent"] == 100)


def test_the_window_ends(serve: Serve) -> None:
    fig = serve("2s")
    mine = write(fig)
    began = time.monotonic()
    assert read(fig, mine) == NEW
    wait_until(lambda: read(fig, mine) == OLD)
    assert time.monotonic() - began > 1


def test_a_measured_lag_makes_it_longer_on_every_worker(shop: Shop, serve: Serve) -> None:
    monolith, _ = shop
    monolith.lags(reader(600.0))
    fig = serve("1ms", CHASSIS_CREDENTIAL=CREDENTIAL)
    wait_until(lambda: catalog(fig)["lag"]["lag_s"] == 600)
    mine = write(fig)
    # A worker learns of it within the second in which the supervisor does.
    wait_until(lambda: [read(fig, mine) for _ in range(20)] == [NEW] * 20)
    kill_workers(fig)
    assert [read(fig, mine) for _ in range(20)] == [NEW] * 20
    monolith.lags(reader(0.0))
    wait_until(lambda: [read(fig, mine) for _ in range(20)] == [OLD] * 20)


def test_abort_and_a_signed_force_come_before_it(serve: Serve) -> None:
    fig = serve()
    fig.set("catalog", "canary", 50)
    force = fig.command("sign", "force", "catalog=service").stdout.strip().partition(": ")[2]
    mine = write(fig)
    assert read(fig, mine) == NEW
    assert fig.get(READ, {"Cookie": mine, "Fig-Force": force})[2] == OLD
    now_ms = int(time.time() * 1000)
    by_service = {scope_of("journey", "catalog"): Wrote("s", now_ms)}
    theirs = f"fig_wrote={write_wrote(by_service, SECRET.encode())}"
    assert read(fig, theirs) == OLD
    assert fig.command("abort", "catalog").returncode == 0
    assert read(fig, theirs) == NEW  # the monolith's
    assert "Set-Cookie" not in fig.ask("POST", "/product/1/review", {}, NEW)[1]


def test_writes_service_keeps_reads_with_the_service_in_canary(shop: Shop, serve: Serve) -> None:
    fig = serve()
    fig.edit("compare: false", "compare: false\n    writes: service")
    wait_until(lambda: catalog(fig)["writes"] == "service")
    fig.set("catalog", "canary", 0)
    mine = write(fig, READ)
    assert shop[1].page == NEW
    assert (read(fig, mine), read(fig)) == (NEW, OLD)


@pytest.mark.parametrize("stage", ["monolith", "shadow"])
def test_where_everybody_reads_at_the_monolith_nothing_is_set(serve: Serve, stage: str) -> None:
    fig = serve()
    fig.set("catalog", stage)
    for path in ("/product/1/review", READ):
        assert "Set-Cookie" not in fig.ask("POST", path, {}, NEW)[1]


def test_without_a_secret_the_key_outlives_workers_and_not_the_supervisor(serve: Serve) -> None:
    fig = serve(FIG_SECRET="")
    mine = write(fig)
    kill_workers(fig)
    assert [read(fig, mine) for _ in range(20)] == [NEW] * 20
    fig.pin_ports()
    fig.kill()
    fig.start()
    wait_until(lambda: not fig.status()["leaving_workers"])  # they believe until they are told
    assert [read(fig, mine) for _ in range(20)] == [OLD] * 20
    wait_until(lambda: metric(fig, "fig_write_cookies_ignored_total", reason="forged") == 20)
    again = write(fig, cookie=mine)
    assert read(fig, again) == NEW


def test_a_secret_that_can_be_guessed_signs_nothing_that_is_handed_to_everybody(
    serve: Serve,
) -> None:
    short = "x" * 15
    fig = serve(FIG_SECRET=short)
    mine = write(fig)
    told = read_wrote(mine.partition("=")[2], short.encode(), int(time.time() * 1000))
    assert told is Ignored.FORGED
    assert read(fig, mine) == NEW


def test_with_a_secret_a_new_supervisor_believes_what_the_old_one_set(serve: Serve) -> None:
    fig = serve()
    mine = write(fig)
    assert fig.stop() == 0
    fig.start()
    assert read(fig, mine) == NEW


# --- how far the service is behind


def test_without_a_credential_the_monolith_sees_no_strange_request(
    shop: Shop, serve: Serve
) -> None:
    monolith, service = shop
    fig = serve()
    fig.set("catalog", "shadow")
    time.sleep(2.5)  # twice the interval: nothing happens, which nothing announces
    assert (monolith.connections, service.connections) == (0, 0)
    lag = catalog(fig)["lag"]
    assert (lag["asked"], lag["lag_s"], lag["trouble"]) == (False, None, None)
    assert metric(fig, "fig_capability_lag_seconds") == 0
    assert shown(fig)["lag"] == "–"


def status(fig: Fig, *arguments: str) -> str:
    return CliRunner().invoke(app, ["status", *arguments, "--config", str(fig.config)]).stdout


def shown(fig: Fig) -> dict[str, str]:
    """The row of the capability in `fig status`, by column."""
    lines = status(fig).splitlines()
    head = next(index for index, line in enumerate(lines) if line.startswith("capability "))
    # Columns are set apart by two spaces or more.
    titles, values = (re.split(r" {2,}", line.strip()) for line in lines[head : head + 2])
    return {"lag": values[-1], "title": titles[-1], "rest": "\n".join(lines[head + 2 :])}


def test_the_lag_is_shown_wherever_one_looks(shop: Shop, serve: Serve, tmp_path: Path) -> None:
    monolith, _ = shop
    credential = tmp_path / "credential"
    credential.write_text(f"{CREDENTIAL}\n")
    fig = serve(CHASSIS_CREDENTIAL_FILE=str(credential))
    steps: list[tuple[Any, str, str]] = [
        ([reader(0.2)], "0.2 s", ""),
        ([reader(12.0)], "12 s", ""),
        ([reader(300.0)], "5 min", ""),
        ([reader(45.0, 45.0)], "stopped 45 s", "no longer asked for changes by catalog-service"),
        ([reader(None)], "lost", "which must copy again; see manage.py consume in the service"),
        ([], "–", "has no reader of its changes; run manage.py consume in the service"),
    ]
    for readers, column, note in steps:
        monolith.lags(*readers)
        wait_until(lambda: shown(fig)["lag"] == column, explain=lambda: shown(fig))  # noqa: B023
        assert shown(fig)["title"] == "lag"
        assert note in shown(fig)["rest"]
        assert json.loads(status(fig, "--json"))["capabilities"][0]["lag"]["readers"] == [
            {key: each[key] for key in ("caller", "lag_s", "asked_s_ago")} for each in readers
        ]
        assert metric(fig, "fig_capability_lag_seconds") == sum(
            each["lag_s"] or 0 for each in readers
        )
        halted = column == "lost" or column.startswith("stopped")
        assert metric(fig, "fig_capability_reader_stopped") == halted
    assert monolith.asked[-1]["authorization"] == f"Bearer {CREDENTIAL}"
    for pid in [*fig.pids("worker"), *fig.pids("comparer")]:
        assert b"CHASSIS" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert CREDENTIAL not in fig.log()
    monolith.said |= {"captured": False}
    wait_until(lambda: shown(fig)["lag"] == "lost", explain=lambda: shown(fig))
    assert "does not capture its changes; run manage.py capture there" in shown(fig)["rest"]
    assert metric(fig, "fig_capability_reader_stopped") == 1
    monolith.mode = 404
    fig.set("catalog", "shadow")
    wait_until(lambda: "does not know it (404)" in shown(fig)["rest"])
    assert shown(fig)["lag"] == "–"


def hour_old(key: str = SECRET) -> str:
    """The cookie of who wrote almost an hour ago, which no measured lag of this file reaches back to."""
    at_ms = int((time.time() - 3500) * 1000)
    writes = {scope_of("journey", "catalog"): Wrote("m", at_ms)}
    return f"fig_wrote={write_wrote(writes, key.encode())}"


def test_who_wrote_reads_it_back_where_nothing_is_captured_or_nothing_is_told_any_more(
    shop: Shop, serve: Serve
) -> None:
    monolith, _ = shop
    monolith.said |= {"captured": False}
    fig = serve(window="100ms", CHASSIS_CREDENTIAL=CREDENTIAL)
    write(fig)
    # Two workers: each is asked on connections of its own.
    wait_until(lambda: all(read(fig, hour_old()) == NEW for _ in range(10)))
    monolith.said |= {"captured": True}
    wait_until(lambda: all(read(fig, hour_old()) == OLD for _ in range(10)))
    monolith.mode = 401
    wait_until(lambda: "refuses the credential (401)" in str(catalog(fig)["lag"]["trouble"]))
    mine = write(fig)
    time.sleep(1)  # longer than the window and the lag of 0.2 s
    assert {read(fig, mine) for _ in range(10)} == {NEW}
    monolith.mode = 404
    fig.set("catalog", "canary", 100)  # so that it is asked anew at once
    wait_until(lambda: all(read(fig, mine) == OLD for _ in range(10)))


@pytest.mark.parametrize("mode", ["hang", "trickle", "huge", "die"])
def test_a_monolith_that_misbehaves_when_asked_touches_no_answer_and_no_change(
    shop: Shop, serve: Serve, mode: str
) -> None:
    monolith, _ = shop
    monolith.mode = mode
    fig = serve(CHASSIS_CREDENTIAL=CREDENTIAL)
    wait_until(lambda: monolith.asked)
    began = time.monotonic()
    for _ in range(10):
        assert read(fig) == OLD
    assert fig.set("catalog", "shadow")["missing_workers"] == []
    assert fig.stop() == 0
    # Ten answers that waited for one question each would have taken twenty seconds.
    assert time.monotonic() - began < 15


def test_a_credential_that_cannot_be_read_is_a_mistake_in_the_call(serve: Serve) -> None:
    fig = serve()
    fig.environment |= {"CHASSIS_CREDENTIAL": "a", "CHASSIS_CREDENTIAL_FILE": "b"}
    refused = fig.command("serve")
    assert refused.returncode == 2
    assert "CHASSIS_CREDENTIAL and CHASSIS_CREDENTIAL_FILE are both set" in refused.stderr
