"""One turn of the loop: copy what has never been copied, else ask for a page of the feed and apply it."""

import datetime as dt
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from django.utils import timezone

from chassis.inbox.receive import forget_received
from chassis.ownership.backfill.batch import ANY_TIME, Outcome
from chassis.ownership.backfill.copying import copy, uncopied
from chassis.ownership.backfill.lock import AlreadyRunningError, only_one
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.needs import UnsettledError
from chassis.ownership.backfill.walk import MOST_ATTEMPTS, Watcher
from chassis.ownership.backfill.writer import AnotherSourceError, Writer
from chassis.ownership.models import ReplicaCursor
from chassis.ownership.replica import BegunAnewError, Replica
from chassis.ownership.replication.page import PageError, apply
from chassis.ownership.source.feed import CursorGoneError, Feed
from chassis.ownership.source.rows import Source

# How long versions and received events are kept. A reading that takes longer is thrown away (the replica's `floor`).
KEPT = dt.timedelta(days=1)
FORGOTTEN_AT_ONCE = 1000
TIDY_INTERVAL_S = 60.0
# `heard_at` is written no more often than this when there is nothing else to write.
HEARD_INTERVAL_S = 5.0


class Listener(Watcher, Protocol):
    """Is told how it goes on."""

    def tell(self, line: str) -> None:
        """Something changed that a person may want to know."""

    def followed(self, changes: int, more: bool) -> None:
        """A page of the feed was asked for; so many changes have been applied so far."""


class Consumer:
    """Follows the feed of one capability; `outcomes` adds up, by table, what came of it."""

    def __init__(
        self,
        replica: Replica,
        targets: Sequence[Target],
        source: Source,
        feed: Feed,
        *,
        limit: int,
        listener: Listener,
    ) -> None:
        self._replica = replica
        self._targets = targets
        self._source = source
        self._feed = feed
        self._limit = limit
        self._listener = listener
        self._copied: uuid.UUID | None = None
        self._tidy_at = time.monotonic() + TIDY_INTERVAL_S
        self._waits = self._is_in_step = False
        self._unsettled = 0
        self.copied_tables: set[str] = set()
        self.pages = self.changes = 0
        self.outcomes: defaultdict[str, Outcome] = defaultdict(Outcome)

    @property
    def is_copied(self) -> bool:
        """Whether everything had been copied when the last turn began."""
        return self._copied is not None

    def turn(self) -> bool:
        """Go one step on; whether there is more to do at once.

        Raises SourceError, WalkError, PageError, OvertakenError: nothing of this step was written then.
        """
        cursor = self._replica.cursor()
        if not cursor.cursor:
            self._replica.begin(self._feed.head(), instead_of=cursor.epoch)
            return True
        try:
            if self._copied != cursor.epoch and self._copy(cursor):
                return True
            return self._follow(cursor)
        except BegunAnewError:
            return True
        except CursorGoneError as error:
            return self._begin_anew(cursor, str(error))
        except AnotherSourceError:
            return self._begin_anew(cursor, "the source is another one than the copy was made from")
        except UnsettledError:
            self._unsettled += 1
            if self._unsettled % MOST_ATTEMPTS:
                return True
            raise PageError(
                f"the rows that changed after {cursor.cursor} changed again in each of {MOST_ATTEMPTS} attempts to "
                "read them"
            ) from None

    def _follow(self, cursor: ReplicaCursor) -> bool:
        page = self._feed.page(cursor.cursor, self._limit)
        writer = Writer(self._replica, cursor, self._targets, self._source)
        if applied := apply(page, cursor, self._replica, self._targets, writer):
            self._add(applied)
            self.pages += 1
            self.changes += len(page.event_ids)
            self._unsettled = 0
        else:
            self._note_heard(cursor)
        more = page.more or self._drop_free(writer)
        self._listener.followed(self.changes, more)
        if not more and not self._is_in_step and self.is_copied:
            self._listener.tell("in step with the monolith, following its feed")
            self._is_in_step = True
        self._tidy(writer)
        return more

    def _drop_free(self, writer: Writer) -> bool:
        """Delete what was kept and need not be any more; whether there was any."""
        free = writer.leftovers.free()
        if free:
            batch = writer.batch()
            writer.fetch(batch, free)
            with writer.written(batch) as outcomes:
                self._add(outcomes)
        return bool(free)

    def _copy(self, cursor: ReplicaCursor) -> bool:
        """Copy the tables that have never been copied whole; whether there were any, and nobody else is at it."""
        tables = uncopied(self._replica, self._targets)
        if not tables:
            self._copied = cursor.epoch
            return False
        self._copied, self._is_in_step = None, False
        try:
            with only_one("backfill", self._replica.capability, self._replica.using):
                self._listener.tell(f"copying {', '.join(sorted(tables))} first")
                copy(
                    self._replica,
                    self._targets,
                    self._source,
                    self._feed,
                    chunk=self._limit,
                    watcher=self._listener,
                    tables=tables,
                )
        except AlreadyRunningError:
            if not self._waits:
                self._listener.tell("a backfill is running; following the feed meanwhile")
            self._waits = True
            return False
        self._waits = False
        self.copied_tables |= tables
        return True

    def _begin_anew(self, cursor: ReplicaCursor, why: str) -> bool:
        self._listener.tell(f"everything must be copied again: {why}")
        return self._replica.begin(self._feed.head(), instead_of=cursor.epoch) or True

    def _add(self, outcomes: Mapping[str, Outcome]) -> None:
        for table, outcome in outcomes.items():
            self.outcomes[table].add(outcome)

    def _note_heard(self, cursor: ReplicaCursor) -> None:
        now = timezone.now()
        if cursor.heard_at is None or (now - cursor.heard_at).total_seconds() > HEARD_INTERVAL_S:
            self._replica.note(heard_at=now)

    def _tidy(self, writer: Writer) -> None:
        """Now and then forget a little of what is too old to matter."""
        if time.monotonic() < self._tidy_at:
            return
        before = timezone.now() - KEPT
        with writer.held(ANY_TIME) as cursor:
            forgotten, highest = writer.known.forget(before, FORGOTTEN_AT_ONCE)
            if highest is not None and highest > cursor.floor:
                self._replica.move(floor=highest)
            received = forget_received(before, FORGOTTEN_AT_ONCE, using=self._replica.using)
        if (
            max(forgotten, received) < FORGOTTEN_AT_ONCE
        ):  # else there is more: go on after the next page
            self._tidy_at = time.monotonic() + TIDY_INTERVAL_S
