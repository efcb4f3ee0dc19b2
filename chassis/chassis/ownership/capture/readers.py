"""How far each caller has applied a capability's feed: what it was asked for last, and how much lies behind that."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from chassis.callers import DATA, declared_callers
from chassis.ownership.capture import log
from chassis.ownership.capture.cursor import LogCursor, SignatureError, read_cursor
from chassis.ownership.capture.install import log_database
from chassis.ownership.capture.log import Source
from chassis.ownership.capture.reading import Reading
from chassis.ownership.models import FeedReader

# A reader that asks all the time is written down about this often.
EVERY = timedelta(seconds=1)
LOCK_TIMEOUT_MS = 50

# Counting what a reader has not read yet ends here.
MOST_BEHIND = 10_000

logger = logging.getLogger(__name__)


def remember(capability: str, caller: str, cursor: LogCursor) -> None:
    """Write down that the caller has applied everything up to `cursor`. What can't be written at once is left out:
    the feed waits for nobody's lock, and does not fail for this."""
    connection: Any = connections[log_database()]
    readers = FeedReader.objects.using(connection.alias)
    mine = readers.filter(capability=capability, caller=caller)
    now = timezone.now()
    try:
        asked_at = mine.values_list("asked_at", flat=True).first()
        if asked_at is None:
            row = FeedReader(capability=capability, caller=caller, cursor=cursor.text, asked_at=now)
            with _without_waiting(connection):
                readers.bulk_create([row], ignore_conflicts=True)
        elif not now - EVERY < asked_at <= now:
            with _without_waiting(connection):
                mine.update(cursor=cursor.text, asked_at=now)
    except DatabaseError as error:
        logger.info("How far %s has read %s was not written down: %s", caller, capability, error)


@contextmanager
def _without_waiting(connection: Any) -> Iterator[None]:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            (before,) = cursor.fetchone()
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                yield
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {before}")
    else:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            yield


def readers_of(capability: str, now: Reading, sources: set[Source]) -> list[dict[str, object]]:
    """Every declared caller that has read the feed, with how far it is behind; null where its cursor's place is gone."""
    callers = [
        caller.name
        for caller in declared_callers().values()
        if DATA in caller.rights and capability in caller.capabilities
    ]
    found: list[dict[str, object]] = []
    readers = FeedReader.objects.using(now.using).filter(capability=capability)
    for reader in readers.filter(caller__in=callers).order_by("caller"):
        lag_s, behind = _lag(now, reader.cursor, sources)
        asked_s_ago = max(0.0, time.time() - reader.asked_at.timestamp())
        found.append(
            {
                "caller": reader.caller,
                "lag_s": lag_s,
                "behind": behind,
                "asked_s_ago": round(asked_s_ago, 1),
            }
        )
    return found


def _lag(now: Reading, text: str, sources: set[Source]) -> tuple[float | None, int | None]:
    """The age in seconds of the oldest change that the cursor has not passed, and how many there are, about."""
    try:
        cursor = read_cursor(text)
    except (
        ValueError,
        SignatureError,
    ):  # of another release, or signed with a key that was replaced
        return None, None
    if cursor.incarnation != now.incarnation or log.entry_at(now, cursor) is None:
        return None, None
    unread = log.unread_after(now, cursor, sources, MOST_BEHIND)
    behind, oldest = unread.mine, unread.my_oldest
    if unread.count == MOST_BEHIND and not behind:
        # So much of others' that looking further would cost too much.
        behind, oldest = unread.count, unread.oldest
    if cursor.within is not None:
        oldest = cursor.at
    if oldest is None:
        return 0.0, 0
    return round(max(0.0, (now.at - oldest) / 1_000_000), 3), behind
