"""Puts the triggers in place, takes them away, and says what is wrong with them.

Whenever a trigger has to be put back, changes may have gone unseen. Then, in the same transaction, the capabilities
that need it get a new *incarnation*, and whoever copied them copies again. It does not matter why it was not as it
should be: a table rebuilt by a migration, a column declared today, a trigger somebody disabled.
"""

import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, router
from django.utils import timezone

from chassis.ownership.capture.triggers import ENGINES, Engine
from chassis.ownership.capture.triggers.busy import BusyError
from chassis.ownership.capture.watches import Watch, watches
from chassis.ownership.models import CaptureState, Change, FeedReader
from chassis.ownership.tables import declared_capabilities

# A busy table is asked for again and again, each time for a fraction of a second.
PATIENCE_S = 30.0
PAUSE_S = 0.2


class CaptureError(Exception):
    """The triggers could not be changed; the message says what to do."""


def refuse_without_log() -> None:
    """Raises CaptureError: the log's table is not there."""
    connection, engine = _engine()
    if engine.relation(connection, Change._meta.db_table) is None:
        raise CaptureError(
            f"the database {connection.alias} has no table {Change._meta.db_table}: run manage.py migrate"
        )


def log_database() -> str:
    """The alias of the database that holds the log, and with it everything that is captured."""
    return router.db_for_write(Change)


def declared_watches(capability: str | None = None) -> Sequence[Watch]:
    """What must be watched, for one capability or for all."""
    declared = watches(declared_capabilities())
    return [w for w in declared if capability is None or capability in w.capabilities]


def faults(needed: Sequence[Watch]) -> Mapping[Watch, str]:
    """What is wrong, in a few words each, so that changes may go unseen; empty: these are captured."""
    connection, engine = _engine()
    return engine.faults(connection, needed)


def install() -> Sequence[str]:
    """Put in place what is declared, and drop what no longer is; says what was done, a line each.

    What is right already is left alone, without a lock. Raises CaptureError; what was done until then stays done.
    """
    connection, engine = _engine()
    needed = declared_watches()
    wanted = {(engine.relation(connection, watch.table), watch.digest) for watch in needed}
    done = _drop(place for place in engine.placed(connection) if place not in wanted)
    outdated: dict[str, list[Watch]] = defaultdict(list)
    for watch in engine.outdated(connection, needed):
        if words := engine.hindrance(connection, watch):
            raise CaptureError(f"{watch.table} can't be watched: {words}")
        outdated[engine.relation(connection, watch.table) or watch.table].append(watch)
    for relation, those in outdated.items():
        _change(relation, partial(_put, relation, those))
        done.append(f"{relation} is watched")
    _change(None, partial(_match_states, set(declared_capabilities())))
    if engine.stranded(connection):
        _change(None, partial(engine.mark, connection, "another server"))
        done.append("the log goes on: what it held was written by another server")
    return done


def remove() -> Sequence[str]:
    """Drop all triggers, and with them what is known of readers; says what was done."""
    connection, engine = _engine()
    done = _drop(engine.placed(connection))
    _change(None, partial(_match_states, set()))
    return done


def release(altered: Collection[tuple[str, str | None]]) -> Sequence[str]:
    """Drop the triggers that need one of these columns, by table; None: those of the whole table."""
    connection, engine = _engine()
    places: set[tuple[str, str]] = set()
    for table, column in altered:
        relation = engine.relation(connection, table)
        needing = (
            engine.placed(connection) if column is None else engine.mentions(connection, column)
        )
        places.update(place for place in needing if place[0] == relation)
    return _drop(places)


def renew(known: uuid.UUID | None = None) -> Sequence[str]:
    """A new incarnation for the capability that has the incarnation `known` (None: for each); says what was done."""
    connection, engine = _engine()
    done: list[str] = []

    def work() -> None:
        states = CaptureState.objects.using(connection.alias)
        if known is not None:
            states = states.filter(incarnation=known)
        done[:] = sorted(states.values_list("capability", flat=True))
        _begin(connection, engine, done)

    _change(None, work)
    return [f"{name} begins anew: who copied it copies again" for name in done]


def _engine() -> tuple[Any, Engine]:
    connection: Any = connections[log_database()]
    if connection.vendor not in ENGINES:
        raise ImproperlyConfigured(
            f"changes are captured on PostgreSQL and SQLite; {connection.alias} is a {connection.vendor} database"
        )
    return connection, ENGINES[connection.vendor]


def _put(relation: str, outdated: Sequence[Watch]) -> None:
    connection, engine = _engine()
    for watch in outdated:
        engine.put(connection, relation, watch)
    _begin(connection, engine, sorted({name for watch in outdated for name in watch.capabilities}))


def _begin(connection: Any, engine: Engine, capabilities: Sequence[str]) -> None:
    """A new incarnation, and an entry for its first cursors to stand on."""
    for capability in capabilities:
        CaptureState.objects.using(connection.alias).update_or_create(
            capability=capability,
            defaults={"incarnation": uuid.uuid4(), "began_at": timezone.now()},
        )
        engine.mark(connection, capability)


def _match_states(declared: set[str]) -> None:
    """A state for each declared capability, and none for another."""
    connection, engine = _engine()
    states = CaptureState.objects.using(connection.alias)
    known = set(states.values_list("capability", flat=True))
    if gone := known - declared:
        states.filter(capability__in=gone).delete()
        FeedReader.objects.using(connection.alias).filter(capability__in=gone).delete()
    _begin(connection, engine, sorted(declared - known))


def _drop(places: Iterable[tuple[str, str]]) -> list[str]:
    connection, engine = _engine()
    digests: dict[str, set[str]] = defaultdict(set)
    for relation, digest in places:
        digests[relation].add(digest)

    def work(relation: str) -> None:
        placed = engine.placed(connection)
        for digest in digests[relation]:
            engine.drop(connection, relation, placed.get((relation, digest), ()))

    for relation in digests:
        _change(relation, partial(work, relation))
    return [f"{relation} is no longer watched" for relation in digests]


def _change(relation: str | None, work: Callable[[], None]) -> None:
    """Do `work` in a transaction that changes triggers of `relation`, as soon as nobody writes to it."""
    connection, engine = _engine()
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            with engine.changing(connection, relation):
                return work()
        except BusyError as error:
            if time.monotonic() > give_up:
                raise CaptureError(
                    f"{relation or 'the log'} was in use for {PATIENCE_S:g} s: {error}. Nothing of it was changed; "
                    "run manage.py capture when no long transaction writes to it."
                ) from error
        except DatabaseError as error:
            raise CaptureError(
                f"the triggers of {relation or 'the log'} can't be changed: {error}. Run manage.py capture as the "
                "database's role that owns its tables."
            ) from error
        time.sleep(PAUSE_S * (0.5 + random.random()))  # noqa: S311  # two that try at once part ways
