# ruff: noqa: S608  # only quoted names and texts are put into statements
"""PostgreSQL: one function for each watch, owned by whoever installs it, and three triggers that call it.

The function's comment says what it was made for and how it and its triggers looked then. By that a process of an older
or newer release can tell whether changes go unseen, which must be watched by both while they take over from each other.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, transaction
from django.db.models import Model

from chassis.ownership.capture.triggers import postgresql_sql as sql
from chassis.ownership.capture.triggers.busy import BusyError
from chassis.ownership.capture.watches import Watch, missing_columns
from chassis.ownership.models import CaptureState, Change
from chassis.ownership.tables import column_of

# A lock that is waited for stops everybody who comes after: better to give up soon and to try again.
LOCK_TIMEOUT_MS = 200

# Of pg_advisory_xact_lock: "chassis" in ASCII.
_ALONE = int.from_bytes(b"chassis", "big")

_RELATION = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
_IN_OUR_SCHEMA = "log.oid = to_regclass(%s) AND log.relnamespace = p.pronamespace"
# lock_timeout, deadlock
_LOCKED = ("55P03", "40P01")


@dataclass
class _Function:
    """One of ours, as the catalog has it."""

    note: Mapping[str, Any]
    parts: list[object]
    """Everything that could be changed about it and its triggers."""
    relations: set[str]

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.parts).encode()).hexdigest()


def relation(connection: Any, table: str) -> str | None:
    return _relations(connection, [table]).get(table)


def hindrance(connection: Any, watch: Watch) -> str | None:
    if connection.pg_version < 130000:
        return "PostgreSQL 13 or newer is needed"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relkind, c.relispartition OR EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid), "
            "ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) "
            "FROM pg_class c WHERE c.oid = to_regclass(%s)",
            [connection.ops.quote_name(watch.table)],
        )
        found = cursor.fetchone()
    if found is None:
        return "there is no such table"
    kind, divided, columns = found
    if kind != "r" or divided:
        return "it is not an ordinary table: no trigger sees all that can happen to a view, a foreign table or partitions"
    return missing_columns(watch, columns)


def faults(connection: Any, watches: Sequence[Watch]) -> Mapping[Watch, str]:
    functions = _functions(connection)
    relations = _relations(connection, [watch.table for watch in watches])
    found: dict[Watch, str] = {}
    for watch in watches:
        function = functions.get(watch.digest)
        if function is None or relations.get(watch.table) not in function.relations:
            found[watch] = "a trigger is missing"
        elif function.digest != function.note.get("digest"):
            found[watch] = "a trigger was dropped, disabled or changed"
        elif unseen := sorted(_types(connection, watch).keys() - function.note["watched"].keys()):
            found[watch] = f"the trigger does not watch {', '.join(unseen)}"
    return found


def outdated(connection: Any, watches: Sequence[Watch]) -> Collection[Watch]:
    wrong = faults(connection, watches)
    functions = _functions(connection)
    relations = _relations(connection, [watch.table for watch in watches])
    return [
        watch
        for watch in watches
        if watch in wrong
        or functions[watch.digest].note["source"]
        != _digest(connection, relations[watch.table], watch)
    ]


def placed(connection: Any) -> Mapping[tuple[str, str], Collection[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        # Another project's, in another schema of this database, are not ours.
        cursor.execute(
            f"SELECT {_RELATION}, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid "
            f"JOIN pg_class log ON {_IN_OUR_SCHEMA} "
            r"WHERE t.tgname LIKE 'chassis\_capture\_%%' AND NOT t.tgisinternal",
            [_log_name(connection)],
        )
        for table, name in cursor.fetchall():
            found[table, name.rpartition("_")[2]].append(name)
    return found


def mentions(connection: Any, column: str) -> Collection[tuple[str, str]]:
    return {
        (relation, digest)
        for digest, function in _functions(connection).items()
        for relation in function.relations
        if column in function.note.get("watched", (column,))
    }


@contextmanager
def changing(connection: Any, relation: str | None) -> Iterator[None]:
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ALONE])
            if relation is not None:
                # At once the strongest lock that will be needed: to ask for more later could deadlock.
                known = any(table == relation for table, _ in placed(connection))
                mode = "ACCESS EXCLUSIVE" if known else "SHARE ROW EXCLUSIVE"
                cursor.execute(f"LOCK TABLE {relation} IN {mode} MODE")
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in _LOCKED:
            raise
        raise BusyError(str(error)) from error


def put(connection: Any, relation: str, watch: Watch) -> None:
    drop(connection, relation, placed(connection).get((relation, watch.digest), ()))
    name = sql.function_name(_table(connection, Change), watch)
    function, triggers = _texts(connection, relation, watch)
    with connection.cursor() as cursor:
        cursor.execute(function)
        cursor.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
        for trigger, text in triggers.items():
            cursor.execute(text)
            cursor.execute(f"ALTER TABLE {relation} ENABLE ALWAYS TRIGGER {trigger}")
        note = {
            "for": [watch.table, watch.column],
            "watched": _types(connection, watch),
            "source": _digest(connection, relation, watch),
            "digest": _functions(connection)[watch.digest].digest,
        }
        cursor.execute(f"COMMENT ON FUNCTION {name}() IS {sql.text(json.dumps(note))}")


def drop(connection: Any, relation: str, names: Collection[str]) -> None:
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TRIGGER {sql.name(name)} ON {relation}")
        cursor.execute(
            f"SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_class log ON {_IN_OUR_SCHEMA} "
            r"WHERE p.proname LIKE 'chassis\_capture\_%%' "
            "AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)",
            [_log_name(connection)],
        )
        for (function,) in cursor.fetchall():
            cursor.execute(f"DROP FUNCTION {function}")


def mark(connection: Any, words: str) -> None:
    values = f"('', '', {sql.text(words)}, {sql.NOW}, {sql.XID})"
    with connection.cursor() as cursor:
        cursor.execute(f"{sql.into(_table(connection, Change))} VALUES {values}")


def stranded(connection: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT min(xid) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM {_table(connection, Change)}"
        )
        return bool(cursor.fetchone()[0])


def _functions(connection: Any) -> dict[str, _Function]:
    """Those of the log's schema, by digest of their watch."""
    found: dict[str, _Function] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, obj_description(p.oid, 'pg_proc'), p.prosrc, p.prosecdef, p.proconfig::text, "
            f"t.tgname, t.tgenabled::text, split_part(pg_get_triggerdef(t.oid), ' EXECUTE ', 1), {_RELATION} "
            f"FROM pg_proc p JOIN pg_class log ON {_IN_OUR_SCHEMA} "
            "LEFT JOIN (pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace) "
            r"ON t.tgfoid = p.oid AND NOT t.tgisinternal WHERE p.proname LIKE 'chassis\_capture\_%%' "
            "ORDER BY p.proname, t.tgname",
            [_log_name(connection)],
        )
        for name, note, source, definer, config, *trigger, table in cursor.fetchall():
            function = found.setdefault(
                name.rpartition("_")[2],
                _Function(_read_note(note), [source, definer, config], set()),
            )
            function.parts.append(trigger)
            function.relations.add(table)
    return found


def _read_note(text: str | None) -> Mapping[str, Any]:
    try:
        note = json.loads(text or "")
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}


def _relations(connection: Any, tables: Collection[str]) -> dict[str, str]:
    """The tables that there are, qualified and quoted."""
    names = {connection.ops.quote_name(table): table for table in tables}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT name, {_RELATION} FROM unnest(%s::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name) "
            "JOIN pg_namespace n ON n.oid = c.relnamespace",
            [list(names)],
        )
        return {names[name]: found for name, found in cursor.fetchall()}


def _types(connection: Any, watch: Watch) -> dict[str, str]:
    return {column_of(field): field.db_type(connection) or "" for field in watch.watched}


def _texts(connection: Any, relation: str, watch: Watch) -> tuple[str, Mapping[str, str]]:
    log, states = _table(connection, Change), _table(connection, CaptureState)
    return (
        sql.function_text(log, states, relation, watch),
        sql.trigger_texts(log, relation, watch),
    )


def _digest(connection: Any, relation: str, watch: Watch) -> str:
    """Of what `put` would do; a column of another type counts as another one, since its rows were rewritten."""
    function, triggers = _texts(connection, relation, watch)
    parts = [function, *triggers.values(), json.dumps(_types(connection, watch))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _log_name(connection: Any) -> str:
    name: str = connection.ops.quote_name(Change._meta.db_table)
    return name


def _table(connection: Any, model: type[Model]) -> str:
    found = relation(connection, model._meta.db_table)
    if found is None:
        raise ImproperlyConfigured(
            f"there is no table {model._meta.db_table}: run manage.py migrate"
        )
    return found
