"""Lag, noise and coverage of a real proxy whose comparer is killed with -9 in between."""

import itertools
import json
import os
import signal
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from compared import RULES, account, ask, is_comparing
from fig_process import Fig, Upstream, wait_until

from stranglerfig.compare.evidence_rows import NoiseRow, StratumRow
from stranglerfig.compare.evidence_store import read_rows

pytestmark = pytest.mark.slow


def token() -> dict[str, Any]:
    return {"token": str(uuid.uuid4())}


def test_noise_outlives_a_kill_and_hides_neither_what_vanishes_nor_what_lags(
    make_fig: Callable[..., Fig], monolith: Upstream, catalog: Upstream
) -> None:
    fig = make_fig(workers=1)
    (fig.folder / "fig.rules.yaml").write_text(RULES)
    fig.start()
    fig.set("catalog", "shadow")
    wait_until(lambda: is_comparing(fig))
    try:
        monolith.more = catalog.more = token
        for _ in range(3):
            ask(fig)
        assert account(fig).results == {"noise": 3}
        (pid,) = fig.pids("comparer")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: fig.pids("comparer") not in ([], [pid]) and is_comparing(fig))
        before = account(fig).asked_again
        ask(fig)
        assert account(fig).results == {"noise": 4}
        after = account(fig).asked_again
        assert {side: after[side] - before[side] for side in after} == {"monolith": 1, "service": 1}
        (row,) = read_rows(fig.state_dir, NoiseRow)
        assert (row.path, row.b, row.c, row.both, row.excused) == ("$.token", 0, 0, 4, 4)
        listed = json.loads(fig.command("diffs", "--json").stdout)
        assert [(each["path"], each["has_power"]) for each in listed["noise"]] == [("$.token", False)]  # fmt: skip
        assert listed["clusters"] == []

        catalog.more = dict
        ask(fig)
        assert account(fig).results == {"noise": 4, "different": 1}

        monolith.more = lambda: {"stock": 2}
        stale = itertools.chain([3, 3], itertools.repeat(2))
        catalog.more = lambda: {"stock": next(stale)}
        ask(fig)
    finally:
        monolith.more = catalog.more = dict
    found = account(fig)
    assert found.results == {"noise": 4, "different": 1, "lag": 1}
    assert found.lag_by == {"candidate_caught_up": 1}
    assert found.asked == found.compared == 6
    told = fig.status()["capabilities"][0]
    assert (told["comparison"]["lag"], told["comparison"]["noise"]) == (1, 4)
    assert told["comparison_lag_s"]["p50"] > 0
    metrics = fig.admin("GET", "/metrics")[2].decode()
    assert 'fig_compare_lag_seconds_count{capability="catalog"} 1.0' in metrics
    assert 'fig_compare_results_total{capability="catalog",result="lag"} 1.0' in metrics
    (stratum,) = read_rows(fig.state_dir, StratumRow)
    assert (stratum.compared, stratum.noise, stratum.different) == (6, 4, 1)
    coverage = fig.command("diffs", "catalog", "--coverage", "--json")
    assert coverage.returncode == 1
    (kind,) = json.loads(coverage.stdout)["capabilities"]["catalog"]["strata"]
    assert (kind["route"], kind["events"], kind["trials"]) == ("GET /api/catalog/**", 1, 2)
