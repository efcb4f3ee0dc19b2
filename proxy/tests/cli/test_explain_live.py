"""What ``--live`` prints of upstreams that workers tell of, and of lags."""

from types import SimpleNamespace
from typing import Any

import pytest
import typer

from stranglerfig.cli import explain_live
from stranglerfig.cli.explain_live import Live, lags_of, tell_live
from stranglerfig.routing.recent import Lag

UNKNOWN: dict[str, Any] = {"lag_s": None, "trouble": None, "lost": False, "stopped": False, "age_s": None}  # fmt: skip


def facts(**other: Any) -> dict[str, Any]:
    nothing = {"requests": 0, "by_status": {}, "p50_ms": None, "p99_ms": None}
    usual: dict[str, Any] = {
        "capability": "catalog", "generation": 7, "aborted": None, "lag": None, "measured_lag": None, "upstreams": {},
        "workers": {}, "observed": {"seconds": 300.0, "sides": {"monolith": nothing}},
    }  # fmt: skip
    return usual | other


def printed(capsys: pytest.CaptureFixture[str], **other: Any) -> str:
    tell_live(facts(**other))
    return capsys.readouterr().out


def test_each_address_is_told_as_each_worker_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    address = {"worker": 1, "address": "10.0.0.7:80", "under_way": 3, "idle": 2, "breaker": "half_open", "health": "up"}  # fmt: skip
    text = printed(
        capsys, upstreams={"catalog": [address, {"worker": 0, "address": "10.0.0.8:80"}]}
    )
    assert "catalog at 10.0.0.7:80, 3 under way, 2 idle, breaker half_open, health up (worker 1)" in text  # fmt: skip
    assert "catalog at 10.0.0.8:80 (worker 0)" in text


@pytest.mark.parametrize(
    ("lag", "says"),
    [
        (UNKNOWN, "not known"),
        (UNKNOWN | {"trouble": "HTTP 500"}, "not known: HTTP 500"),
        (UNKNOWN | {"lost": True}, "lost: the service must copy again"),
        (UNKNOWN | {"lag_s": 0.25, "age_s": 1.5}, "0.25 s, as of 1.5 s ago"),
        (UNKNOWN | {"lag_s": 45.0, "age_s": 1.0, "stopped": True}, "45 s, as of 1 s ago, and it has stopped asking"),
    ],
)  # fmt: skip
def test_a_lag_is_told(capsys: pytest.CaptureFixture[str], lag: dict[str, Any], says: str) -> None:
    assert f"lag       {says}" in printed(capsys, lag=lag)


def test_a_worker_that_said_nothing_yet_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    silent = {"generation": None, "exchanges": 0, "upstream_connections": {}}
    assert "worker    0: has said nothing yet" in printed(capsys, workers={"0": silent})


def test_the_measured_lag_is_what_is_decided_by() -> None:
    assert lags_of(facts()) == {}
    (lag,) = lags_of(facts(measured_lag={"lag_s": 2.0, "age_s": 1.0})).values()
    assert isinstance(lag, Lag)
    assert lag.lag_s == 2.0


@pytest.mark.parametrize(
    "told",
    [
        {"config": {}, "generation": 7},
        {"config": {"upstreams": {"monolith": "http://a"}, "tides": 4}, "overrides": {}, "generation": 7},
    ],
)  # fmt: skip
def test_a_proxy_of_another_version_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], told: dict[str, Any]
) -> None:
    place = SimpleNamespace(client=SimpleNamespace(config=lambda: told))
    monkeypatch.setattr(explain_live, "find_place", lambda _: place)
    with pytest.raises(typer.Exit) as ended:
        Live("fig.yaml").snapshot()
    assert ended.value.exit_code == 1
    assert "the proxy that runs is of another version" in capsys.readouterr().err
