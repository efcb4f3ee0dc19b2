"""The access log of a whole proxy: several workers, a change of fig.yaml, a worker that is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fig_process import Fig, Load, wait_until
from prometheus_client.parser import text_string_to_metric_families

LOG = "access_log: json\n"


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def lost(fig: Fig) -> dict[str, float]:
    text = fig.admin("GET", "/metrics")[2].decode()
    return {
        sample.labels["reason"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "fig_access_log_lost_lines_total" and sample.value
    }


@pytest.mark.slow
def test_each_request_has_its_line_through_rotation_reloads_and_the_end(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2)
    fig.save(fig.config.read_text() + LOG)
    fig.start()
    log = fig.state_dir / "access.log"
    load = Load(fig.port, "/api/catalog/1?token=secret")
    with load.running():
        for number in range(3):
            load.more(30)
            if number == 1:
                fig.set("catalog", "service")
            wait_until(log.exists)
            log.rename(log.with_name(f"old-{number}"))
    answers = load.answers
    assert load.failures == []
    assert fig.stop() == 0
    text = "".join(path.read_text() for path in [*fig.state_dir.glob("old-*"), *fig.state_dir.glob("access.log")])  # fmt: skip
    found = lines(text)
    assert len(found) == answers
    assert len({each["request_id"] for each in found}) == answers
    assert {each["stage"] for each in found} == {"monolith", "service"}
    assert all(each["upstream"] == ("catalog" if each["stage"] == "service" else "monolith") for each in found)  # fmt: skip
    assert "secret" not in text


@pytest.mark.slow
def test_a_log_is_begun_changed_and_ended_by_the_file_alone(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig().start()
    log, other = fig.state_dir / "access.log", fig.folder / "other.log"
    fig.get("/api/catalog/1")

    def save(more: str) -> None:
        before = fig.generation
        fig.save(fig.original + more)
        wait_until(lambda: fig.effective > before)

    save(LOG)
    fig.get("/api/catalog/2")
    save(f"access_log: {{format: text, file: {other}}}\n")
    fig.get("/api/catalog/3")
    wait_until(other.exists)
    save("")
    fig.get("/api/catalog/4")
    assert fig.stop() == 0
    assert [each["target"] for each in lines(log.read_text())] == ["/api/catalog/2"]
    assert other.read_text().count("\n") == 1
    assert '"GET /api/catalog/3" 200 ' in other.read_text()


@pytest.mark.slow
def test_what_a_killed_worker_had_not_written_is_told(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    pipe = fig.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # reads nothing
    try:
        fig.save(fig.config.read_text() + f"access_log: {{format: json, file: {pipe}}}\n")
        fig.start()
        load = Load(fig.port, "/api/catalog/1")
        with load.running():
            load.more(300)  # far more than a pipe holds
        assert load.failures == []
        os.kill(fig.pids("worker")[0], signal.SIGKILL)
        wait_until(lambda: lost(fig).get("worker_died", 0) > 50, explain=lambda: lost(fig))
        assert lost(fig)["worker_died"] < load.answers
        assert fig.get("/api/catalog/1")[0] == 200
    finally:
        os.close(reader)


@pytest.mark.slow
def test_lines_can_go_to_stdout(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    fig.save(fig.config.read_text() + "access_log: {format: json, file: stdout}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "stranglerfig", "serve", "--config", str(fig.config)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=fig.environment, cwd=fig.folder,
    )  # fmt: skip
    fig.process = process
    wait_until(lambda: fig.facts().get("pid") == process.pid)
    fig.get("/api/catalog/1")
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=60)
    (line,) = [line for line in told.decode().splitlines() if line.startswith("{")]
    assert json.loads(line)["target"] == "/api/catalog/1"
