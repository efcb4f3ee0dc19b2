"""A page of the feed: which rows changed, and what they hold now, all of it in one snapshot.

The log's entries only say where to look. Those of one row become one event, with the row as the page's snapshot has it.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote

from chassis.ownership.capture import log
from chassis.ownership.capture.cursor import LogCursor
from chassis.ownership.capture.install import declared_watches, faults, renew
from chassis.ownership.capture.log import Entry
from chassis.ownership.capture.looks import MAX_VALUES, Look, Looker, value_of
from chassis.ownership.capture.reading import Reading, reading
from chassis.ownership.capture.watches import reaches
from chassis.ownership.parameters import bad
from chassis.ownership.rows import rows_with_keys
from chassis.ownership.tables import Capability
from chassis.problem import ProblemError


class _OtherHistoryError(Exception):
    """The cursor stands on an entry that this log never had."""


def changes_after(
    capability: Capability, cursor: LogCursor | None, limit: int
) -> dict[str, object]:
    """The page behind `cursor`, as it is answered; without one an empty page that ends where the log ends by now.

    Raises ProblemError: 410 the cursor's place is gone, 503 changes are not captured at the moment.
    """
    tables = {*capability.tables, *(reach.related for reach in reaches(capability))}
    incarnation = None
    try:
        with reading(capability.name, sorted(tables)) as now:
            incarnation = _captured(capability, now)
            if cursor is None:
                return _page(capability, now, [], _end(now, incarnation), more=False)
            _check(now, cursor, incarnation)
            return _after(capability, now, cursor, limit)
    except _OtherHistoryError:
        # An older copy of the database was put back: what was copied from the newer one is worth nothing.
        assert now.began is not None
        renew(now.began)
        raise gone("it stands on a change that this database never saw") from None


def _captured(capability: Capability, now: Reading) -> uuid.UUID:
    wrong = faults(declared_watches(capability.name))
    if now.incarnation is None or wrong:
        words = "; ".join(sorted(f"{watch.table}: {words}" for watch, words in wrong.items()))
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "not_captured",
            f"Changes of {capability.name} go unseen at the moment ({words or 'nothing is installed'}): "
            "run manage.py capture in the monolith.",
        )
    return now.incarnation


def _check(now: Reading, cursor: LogCursor, incarnation: uuid.UUID) -> None:
    """Raises ProblemError 410, or _OtherHistoryError, unless the log holds the entry that the cursor stands on."""
    if cursor.incarnation != incarnation:
        raise gone("changes may have been missed since, or the database is another copy")
    if log.entry_at(now, cursor) is None:
        first = log.first_entries(now, 1)
        if first and (cursor.xid, cursor.id) < (first[0].xid, first[0].id):
            raise gone("the log has been pruned since (manage.py prune_changes)")
        raise _OtherHistoryError


def gone(why: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.GONE,
        "cursor_gone",
        f"The cursor's place in the log is gone: {why}. Ask without a cursor for a new one, copy every row, go on from it.",
    )


def _end(now: Reading, incarnation: uuid.UUID) -> LogCursor:
    last = log.last_settled(now)
    if last is None:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "capture_begins",
            "A transaction that is older than the capture is still open: ask again. After a dump was restored into "
            "another server: run manage.py capture in the monolith.",
        )
    return _at(last, incarnation)


def _at(entry: Entry, incarnation: uuid.UUID) -> LogCursor:
    return LogCursor(incarnation, entry.xid, entry.id, entry.at)


def _after(
    capability: Capability, now: Reading, cursor: LogCursor, limit: int
) -> dict[str, object]:
    looker = Looker(capability, now.using, limit)
    incarnation = cursor.incarnation
    if cursor.within is not None:
        entry = log.entry_at(now, cursor)
        assert entry is not None  # checked
        try:
            looks, place = looker.part_of(entry, cursor.within)
        except ValueError:
            raise bad("after is no cursor: it is the next of an earlier answer") from None
        return _page(
            capability, now, looks, replace(_at(entry, incarnation), within=place), more=True
        )
    entries = log.settled_after(now, cursor, looker.sources, limit)
    looks, taken = looker.first_of(entries)
    if entries and not taken:
        looks, place = looker.part_of(entries[0], None)
        end = replace(_at(entries[0], incarnation), within=place)
        return _page(capability, now, looks, end, more=True)
    if taken < len(entries) or len(entries) == limit:
        return _page(capability, now, looks, _at(entries[taken - 1], incarnation), more=True)
    # Nothing of ours is left: entries of other capabilities need not be passed again.
    return _page(capability, now, looks, _end(now, incarnation), more=False)


def _page(
    capability: Capability, now: Reading, looks: Sequence[Look], end: LogCursor, *, more: bool
) -> dict[str, object]:
    return {
        "capability": capability.name,
        "incarnation": str(end.incarnation),
        "position": now.position,
        "tables": {
            table.name: {
                "key": table.key.name,
                "columns": [{"name": c.name, "kind": c.kind} for c in table.columns],
            }
            for table in capability.tables.values()
        },
        "events": _events(capability, now, looks, end.incarnation),
        "next": end.text,
        "more": more,
    }


def _events(
    capability: Capability, now: Reading, looks: Sequence[Look], incarnation: uuid.UUID
) -> list[dict[str, object]]:
    """CloudEvents 1.0, one for each row."""
    keys: dict[str, list[object]] = defaultdict(list)
    for look in looks:
        keys[look.table.name].append(look.key)
    rows: dict[tuple[str, object], dict[str, object]] = {}
    for name, those in keys.items():
        table = capability.tables[name]
        names = [column.name for column in table.columns]
        for i in range(0, len(those), MAX_VALUES):
            values = [value_of(table.key.kind, str(key)) for key in those[i : i + MAX_VALUES]]
            for row in rows_with_keys(table, table.columns, values, now.using).rows:
                content = dict(zip(names, row, strict=True))
                rows[name, content[table.key.name]] = content
    events: list[dict[str, object]] = []
    for look in looks:
        content_now = rows.get((look.table.name, look.key))
        events.append(
            {
                "specversion": "1.0",
                "id": _event_id(look, incarnation),
                "source": f"/_chassis/feed/{quote(capability.name, safe='')}",
                "type": f"chassis.row.{'deleted' if content_now is None else 'changed'}",
                "subject": f"{look.table.name}/{look.key}",
                "time": _time(look.entry.at),
                "data": {"table": look.table.name, "key": look.key, "row": content_now},
            }
        )
    return events


def _event_id(look: Look, incarnation: uuid.UUID) -> str:
    if not look.reached:
        return f"{incarnation}:{look.entry.id}"
    row = json.dumps([look.table.name, look.key])
    return f"{incarnation}:{look.entry.id}:{hashlib.sha256(row.encode()).hexdigest()[:16]}"


def _time(microseconds: int) -> str:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
