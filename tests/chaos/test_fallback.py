"""The service is killed while twenty shoppers browse; with a fallback they get the monolith's answers.

An answer that had begun when the service was killed can't be taken back: it is cut, as it must be.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from crowd.accounts import capability, metrics, settled
from crowd.shoppers import Crowd
from crowd.visitor import CUT
from stack import SeededData, Stack
from stack.system import CATALOG

pytestmark = pytest.mark.slow

THREADS = 8  # of the service: so many answers may be under way


@pytest.fixture
def stack(tmp_path: Path, seeded: SeededData) -> Iterator[Stack]:
    with Stack.start(tmp_path / "stack", data=seeded, with_proxy=False) as stack:
        catalog = {"url": stack.service_url, "timeouts": {"connect": "10s", "response": "30s"}}
        stack.start_proxy(
            {"catalog": {**CATALOG["catalog"], "stage": "service", "fallback": "monolith"}},
            {"upstreams": {"monolith": stack.monolith_url, "catalog": catalog}},
        )
        yield stack


def fallbacks(stack: Stack) -> Counter[str]:
    """By result."""
    found = Counter[str]()
    for (name, _, result), count in metrics(stack, "fig_fallbacks").items():
        assert name == "catalog"
        found[result] += count
    return found


def test_nobody_notices_a_service_that_is_killed(stack: Stack) -> None:
    crowd = Crowd(stack)
    service = stack.service
    with crowd.browsing():
        crowd.wait_for(60)
        assert fallbacks(stack) == Counter()
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()
        crowd.wait_for(150)
        down = fallbacks(stack)["answered"]
        assert down >= 100
        service.start_again()
        back = len(crowd.asked)
        crowd.wait_for(100)

    cut = [asked for asked in crowd.failed if asked.error == CUT and "fallback" not in asked.plan]
    assert len(cut) <= THREADS, crowd.summary()
    assert len(crowd.failed) == len(cut), crowd.summary()

    # What shoppers saw, what was counted, and what the service is charged with.
    told = [asked for asked in crowd.asked if "fallback" in asked.plan]
    assert len(told) >= down
    assert {asked.plan["fallback"] for asked in told} == {"monolith"}
    reasons = {reason for _, reason, _ in metrics(stack, "fig_fallbacks")}
    assert {asked.plan["failed"] for asked in told} == reasons
    assert "connect_failed" in reasons
    # It is asked again as soon as it is back.
    assert any(
        asked.side == "service" and "fallback" not in asked.plan for asked in crowd.asked[back:]
    )
    assert fallbacks(stack) == Counter(answered=len(told))
    failed = sum(
        count
        for (name, side, _, status), count in metrics(stack, "fig_requests").items()
        if (name, side, status) == ("catalog", "service", "5xx")
    )
    assert failed == len(told)
    now = capability(stack)
    assert now["fallbacks"] == {"answered": len(told)}
    assert now["errors"]["service"] == len(told)
    assert f"{len(told)} failures of the service" in stack.fig("status").stdout

    # None of these answers was compared as the service's.
    account = settled(stack)
    assert account["not_teed"].get("fell_back") == len(told)
    assert account["different"] == 0
