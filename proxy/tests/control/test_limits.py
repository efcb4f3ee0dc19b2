"""Limits of a whole proxy: two workers count one client together, a saved file changes that at once, and all is counted."""

import re
from collections import Counter
from collections.abc import Callable

import pytest
from fig_process import Fig, wait_until

REFUSED = re.compile(rb'fig_refused_requests_total\{reason="(\w+)"\} (\d+)')


def refused(fig: Fig) -> dict[str, int]:
    page = fig.admin("GET", "/metrics")[2]
    return {reason.decode(): int(count) for reason, count in REFUSED.findall(page)}


@pytest.mark.slow
def test_workers_count_a_client_together_and_a_saved_file_changes_that(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig(workers=2)
    fig.save(f"{fig.config.read_text()}limits: {{rate: {{per_client: 1/h, burst: 10}}}}\n")
    fig.start()
    answers = [fig.get("/") for _ in range(40)]
    # Each on a new connection, so that both workers have their part; and each after the one before, so no two race.
    assert Counter(status for status, _, _ in answers) == {200: 10, 429: 30}
    assert [status for status, _, _ in answers[:10]] == [200] * 10
    assert all(3000 < int(headers["Retry-After"]) <= 3600 for _, headers, _ in answers[10:])
    assert refused(fig) == {"rate_exceeded": 30}
    # Who administers is not kept out by it.
    assert fig.admin("GET", "/readyz")[0] == 200
    before = fig.generation
    fig.edit("per_client: 1/h", "per_client: off")
    wait_until(lambda: fig.effective > before)
    assert {fig.get("/")[0] for _ in range(10)} == {200}
    fig.edit("per_client: off", "per_client: 2/h")
    wait_until(lambda: fig.effective > before + 1)
    assert fig.get("/")[0] == 429
    # Workers that replace others know who is ahead of his rate; a proxy that is started anew begins anew.
    fig.pin_ports()
    fig.replace()
    assert fig.get("/")[0] == 429
    assert fig.stop() == 0
    fig.start()
    assert fig.get("/")[0] == 200
