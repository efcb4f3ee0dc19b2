# ruff: noqa: S608  # only quoted names and texts are put into statements
"""SQLite: triggers are the database's own text, so they are in place if the text is.

REPLACE deletes rows without firing their triggers (unless the connection sets recursive_triggers). So before each
insert and update the rows that hold one of the new row's unique values are logged: those that REPLACE will delete, and
in other statements at most one entry too many.

A condition compares by BINARY whatever the column's collation: NOCASE would take a changed letter for none.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, transaction

from chassis.ownership.capture.triggers.busy import BusyError
from chassis.ownership.capture.watches import Watch, missing_columns
from chassis.ownership.models import CaptureState, Change
from chassis.ownership.tables import column_of

# 'now' has milliseconds.
_NOW = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000"
_OURS = "type = 'trigger' AND name GLOB 'chassis_capture_*'"


def relation(connection: Any, table: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        found = cursor.fetchone()
    return found[0] if found else None


def hindrance(connection: Any, watch: Watch) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.type, m.sql, i.name FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS i "
            "WHERE m.type IN ('table', 'view') AND m.name = %s",
            [watch.table],
        )
        found = cursor.fetchall()
    if not found:
        return "there is no such table"
    kind, text, _ = found[0]
    if kind != "table" or text.upper().startswith("CREATE VIRTUAL"):
        return "it is not an ordinary table: no trigger sees what happens to it"
    return missing_columns(watch, [name for _, _, name in found])


def faults(connection: Any, watches: Sequence[Watch]) -> Mapping[Watch, str]:
    placed = _texts(connection)
    unique = unique_sets(connection, watches)
    found: dict[Watch, str] = {}
    for watch in watches:
        for name, text in _triggers(watch, unique[watch.table]).items():
            if name not in placed:
                found[watch] = "a trigger is missing"
            elif placed[name] != (watch.table, text):
                found.setdefault(watch, "a trigger is not as it was put there")
    return found


def outdated(connection: Any, watches: Sequence[Watch]) -> Collection[Watch]:
    return faults(connection, watches).keys()


def placed(connection: Any) -> Mapping[tuple[str, str], Collection[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, (table, _) in _texts(connection).items():
        found[table, name.rpartition("_")[2]].append(name)
    return found


def mentions(connection: Any, column: str) -> Collection[tuple[str, str]]:
    return {
        (table, name.rpartition("_")[2])
        for name, (table, text) in _texts(connection).items()
        if _name(column) in text
    }


@contextmanager
def changing(connection: Any, relation: str | None) -> Iterator[None]:
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            # The write lock at once, whatever kind of transaction the project has Django begin: one that turns from a
            # reader into a writer can't wait.
            cursor.execute(f"DELETE FROM {_name(CaptureState._meta.db_table)} WHERE 0")
            yield
    except OperationalError as error:
        if "locked" not in str(error):
            raise
        raise BusyError(str(error)) from error


def put(connection: Any, relation: str, watch: Watch) -> None:
    drop(connection, relation, placed(connection).get((relation, watch.digest), ()))
    unique = unique_sets(connection, [watch])
    with connection.cursor() as cursor:
        for text in _triggers(watch, unique[watch.table]).values():
            cursor.execute(text)


def drop(connection: Any, relation: str, names: Collection[str]) -> None:
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TRIGGER {_name(name)}")


def mark(connection: Any, words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"{_INTO_LOG} VALUES ('', '', {_text(words)}, {_NOW})")


def stranded(connection: Any) -> bool:
    return False


def unique_sets(
    connection: Any, watches: Sequence[Watch]
) -> Mapping[str, set[tuple[tuple[str, str], ...]]]:
    """By table, the sets of columns (with their collation in the index) that no two rows may share.

    A partial index counts as a whole one, which only logs more. What an index holds over an expression can't be looked
    up this way, and is left out.
    """
    tables = sorted({watch.table for watch in watches})
    found: dict[str, set[tuple[tuple[str, str], ...]]] = {table: set() for table in tables}
    for watch in watches:
        found[watch.table].add(((column_of(watch.model._meta.pk), "BINARY"),))
    indexes: dict[tuple[str, str], list[tuple[str | None, str]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.value, l.name, i.name, i.coll FROM json_each(%s) AS t, "
            "pragma_index_list(t.value) AS l, pragma_index_xinfo(l.name) AS i "
            'WHERE l."unique" AND i.key ORDER BY 1, 2, i.seqno',
            [json.dumps(tables)],
        )
        for table, index, column, collation in cursor.fetchall():
            indexes[table, index].append((column, collation))
    for (table, _), parts in indexes.items():
        if all(column is not None for column, _ in parts):
            found[table].add(tuple((column or "", collation) for column, collation in parts))
    return found


def _texts(connection: Any) -> dict[str, tuple[str, str]]:
    """Table and text of every trigger of ours, by name."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name, tbl_name, sql FROM sqlite_master WHERE {_OURS}")
        return {name: (table, text) for name, table, text in cursor.fetchall()}


def _triggers(watch: Watch, unique: set[tuple[tuple[str, str], ...]]) -> dict[str, str]:
    """The text of each trigger, by name. SQLite keeps it as it is given, from the name on."""
    key = _name(column_of(watch.key))
    changed = " OR ".join(
        f"OLD.{column} COLLATE BINARY IS NOT NEW.{column} OR typeof(OLD.{column}) <> typeof(NEW.{column})"
        for column in map(_name, map(column_of, watch.watched))
    )
    moved = f"OLD.{key} COLLATE BINARY IS NOT NEW.{key}"
    events = {
        "insert": ("AFTER INSERT", _log(watch, "NEW")),
        "update": (
            "AFTER UPDATE",
            f"{_log(watch, 'NEW')} {_log(watch, 'OLD', moved)}",
            changed,
        ),
        "delete": ("AFTER DELETE", _log(watch, "OLD")),
    }
    held = [
        _log_holders(watch, columns)
        for columns in sorted(unique)
        if [name for name, _ in columns] != [column_of(watch.key)]
    ]
    if held:
        row = _name(column_of(watch.model._meta.pk))
        another = f"held.{row} COLLATE BINARY IS NOT OLD.{row}"
        events["insert_held"] = ("BEFORE INSERT", " ".join(f"{log};" for log in held))
        events["update_held"] = ("BEFORE UPDATE", " ".join(f"{log} AND {another};" for log in held))
    triggers = {}
    for event, (when, body, *condition) in events.items():
        name = f"chassis_capture_{event}_{watch.digest}"
        clause = f" WHEN {condition[0]}" if condition else ""
        triggers[name] = (
            f"CREATE TRIGGER {_name(name)} {when} ON {_name(watch.table)} FOR EACH ROW{clause} BEGIN {body} END"
        )
    return triggers


def _log(watch: Watch, row: str, condition: str = "1") -> str:
    value = f"{row}.{_name(column_of(watch.key))}"
    return (
        f"{_INTO_LOG} SELECT {_text(watch.table)}, {_text(watch.column)}, CAST({value} AS TEXT), {_NOW} "
        f"WHERE {value} IS NOT NULL AND ({condition});"
    )


def _log_holders(watch: Watch, unique: tuple[tuple[str, str], ...]) -> str:
    """Log the rows that hold the new row's values in these columns."""
    value = f"held.{_name(column_of(watch.key))}"
    same = " AND ".join(
        f"held.{_name(column)} = NEW.{_name(column)} COLLATE {_name(collation)}"
        for column, collation in unique
    )
    return (
        f"{_INTO_LOG} SELECT {_text(watch.table)}, {_text(watch.column)}, CAST({value} AS TEXT), {_NOW} "
        f"FROM {_name(watch.table)} AS held WHERE {value} IS NOT NULL AND {same}"
    )


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_INTO_LOG = f'INSERT INTO {_name(Change._meta.db_table)} ("table", "column", "key", "at")'
