"""A copy of a capability that knows nothing but the two endpoints: every row once, then the feed's events."""

import time
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.test import Client

from tests.conftest import CREDENTIAL

Rows = dict[str, dict[object, dict[str, Any]]]


class Copy:
    """Begins with a place in the feed and a walk; `follow` reads the feed to its end and applies it."""

    def __init__(self, capability: str, limit: int = 500) -> None:
        self.capability = capability
        self.limit = limit
        self.client = Client(headers={"Authorization": f"Bearer {CREDENTIAL}"})
        wait_until_settled()
        self.cursor = self.ask()["next"]
        self.rows = self.read_rows()
        self.events: list[dict[str, Any]] = []
        self.positions: list[int] = []

    def ask(self, after: str | None = None, status: int = 200) -> dict[str, Any]:
        query = f"?limit={self.limit}" + (f"&after={quote(after)}" if after else "")
        answer = self.client.get(f"/_chassis/feed/{self.capability}{query}")
        assert answer.status_code == status, answer.content
        body: dict[str, Any] = answer.json()
        return body

    def follow(self) -> list[dict[str, Any]]:
        """The events since the last call, applied."""
        wait_until_settled()
        self.events = []
        while True:
            page = self.ask(self.cursor)
            self.positions.append(page["position"])
            assert len(page["events"]) <= self.limit
            for event in page["events"]:
                data = event["data"]
                rows = self.rows[data["table"]]
                if event["type"] == "chassis.row.deleted":
                    assert data["row"] is None
                    rows.pop(data["key"], None)
                else:
                    assert event["type"] == "chassis.row.changed"
                    rows[data["key"]] = data["row"]
            self.events += page["events"]
            self.cursor = page["next"]
            if not page["more"]:
                return self.events

    @property
    def seen(self) -> set[tuple[str, object]]:
        """Table and key of every row that the last `follow` was told of."""
        return {(event["data"]["table"], event["data"]["key"]) for event in self.events}

    def read_rows(self) -> Rows:
        """What the capability holds now."""
        found: Rows = {}
        for table in self.ask()["tables"]:
            found[table] = {}
            after = ""
            while True:
                query = f"table={quote(table)}&limit=1000{after}"
                page = self.client.get(f"/_chassis/rows/{self.capability}?{query}").json()
                names = [column["name"] for column in page["columns"]]
                for row in page["rows"]:
                    content = dict(zip(names, row, strict=True))
                    found[table][content[page["key"]]] = content
                if page["next"] is None:
                    break
                after = f"&after={quote(str(page['next']))}"
        return found

    def assert_equal(self) -> None:
        assert self.rows == self.read_rows()


def wait_until_settled(timeout_s: float = 60) -> None:
    """Until what is committed may be handed out: on PostgreSQL, transactions of other databases count, too."""
    if connection.vendor != "postgresql":
        return
    give_up = time.monotonic() + timeout_s
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT max(xid) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint "
                "FROM chassis_ownership_change"
            )
            if cursor.fetchone() != (False,):
                return
        assert time.monotonic() < give_up, "a transaction somewhere on this server does not end"
        time.sleep(0.02)
