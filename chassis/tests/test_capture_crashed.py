"""A PostgreSQL server that crashes, is a standby, or is promoted: what was handed out stays true, or is taken back."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.db import connection

from tests.cluster import Cluster, cluster, programs
from tests.conftest import CREDENTIAL
from tests.processes import environment, manage, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(programs() is None, reason="PostgreSQL's server programs are not here"),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="its server is its own; once is enough"
    ),
]


@pytest.fixture
def server() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture
def monolith(server: Cluster) -> Iterator[str]:
    env = environment(server.url())
    manage(env, "migrate", "--verbosity", "0")
    with serving(env) as url:
        yield url


def ask(url: str, path: str, status: int = 200) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {CREDENTIAL}"}
    answer = requests.get(f"{url}/_chassis/{path}", headers=headers, timeout=30)
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def roll_back(server: Cluster, times: int) -> None:
    """Takes transaction ids that only an unwritten log knows of."""
    with server.connect() as connection:
        for _ in range(times):
            with connection.transaction(force_rollback=True):
                connection.execute("INSERT INTO library_country (name) VALUES ('never')")


def newest_id(server: Cluster) -> int:
    with server.connect() as connection:
        return int(
            connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()[0]
        )


def test_crash_takes_nothing_back_that_was_handed_out(server: Cluster, monolith: str) -> None:
    for _ in range(3):
        roll_back(server, 10)  # the log's writer, asleep until now, may write these down
        roll_back(server, 100)
        seen = newest_id(server)
        server.crash()
        server.start()
        if newest_id(server) < seen:  # the oracle: ids are given again
            break
    else:
        pytest.fail("the server lost nothing, so this shows nothing")

    for _ in range(2):
        roll_back(server, 10)
        roll_back(server, 100)
        page = ask(monolith, "rows/lending?table=library_shelf")
        feed = ask(monolith, "feed/lending")
        server.crash()
        server.start()
        after = ask(monolith, "rows/lending?table=library_shelf")
        assert after["position"] >= feed["position"] >= page["position"]
        assert after["incarnation"] == page["incarnation"]
        with server.connect() as connection:
            connection.execute(
                "INSERT INTO library_shelf (name, closed) VALUES (now()::text, false)"
            )
        assert ask(monolith, "rows/lending?table=library_shelf")["position"] > after["position"]
        assert len(ask(monolith, f"feed/lending?after={feed['next']}")["events"]) == 1


def test_standby_has_no_position_and_promotion_begins_anew(server: Cluster, monolith: str) -> None:
    before = ask(monolith, "feed/lending")
    server.stop()
    server.start_as_standby()
    for path in ("feed/lending", f"feed/lending?after={before['next']}"):
        assert ask(monolith, path, 503)["code"] == "not_primary"
    assert ask(monolith, "rows/lending?table=library_shelf", 503)["code"] == "not_primary"
    server.promote()
    # The old primary may have handed out what never reached this one.
    assert ask(monolith, f"feed/lending?after={before['next']}", 410)["code"] == "cursor_gone"
    after = ask(monolith, "feed/lending")
    assert after["incarnation"] != before["incarnation"]
    assert ask(monolith, "rows/lending?table=library_shelf")["incarnation"] == after["incarnation"]


def test_restored_dump_is_captured_and_another_incarnation(server: Cluster, monolith: str) -> None:
    before = ask(monolith, "feed/lending")
    with serving(environment(server.dumped_to("restored"))) as copy:
        checks = requests.get(f"{copy}/_chassis/readyz", timeout=30).json()["checks"]
        assert checks["capture"]["detail"] == "ok"
        assert ask(copy, f"feed/lending?after={before['next']}", 410)["code"] == "cursor_gone"
        head = ask(copy, "feed/lending")
        assert head["incarnation"] != before["incarnation"]
        with server.connect("restored") as connection:
            connection.execute("INSERT INTO library_shelf (name, closed) VALUES ('x', false)")
        assert len(ask(copy, f"feed/lending?after={head['next']}")["events"]) == 1
