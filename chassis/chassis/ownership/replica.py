"""The copy of one capability in this service's database: where it stands, and who may write to it.

`backfill` and `consume` may run at once. Each begins every writing transaction by locking the capability's
`ReplicaCursor`, looks again at what it relies on, and asks the source for nothing until it has committed.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chassis.ownership.interruption import undisturbed
from chassis.ownership.models import BackfillCursor, Kept, Orphan, ReplicaCursor
from chassis.ownership.source.feed import Head

# Every writer's transaction is short; what holds a row for longer is somebody at a shell, or a connection that died.
LOCK_TIMEOUT_S = 20


class BegunAnewError(Exception):
    """The copy began anew since this was read; nothing was written."""


class OvertakenError(Exception):
    """Another process has moved the cursor of the feed; nothing was written."""


class Replica:
    """One capability's copy in the database `using`."""

    def __init__(self, capability: str, using: str) -> None:
        self.capability = capability
        self.using = using

    def cursor(self) -> ReplicaCursor:
        """Where it stands now; the first call makes the row."""
        cursor, _ = ReplicaCursor.objects.using(self.using).get_or_create(
            capability=self.capability,
            defaults={"epoch": uuid.uuid4(), "began_at": timezone.now()},
        )
        return cursor

    def found(self) -> ReplicaCursor | None:
        """Where it stands; None: it has never been written."""
        return self._rows().first()

    def begin(self, head: Head | None, *, instead_of: uuid.UUID) -> bool:
        """Begin the copy anew at the feed's head (None: the source has no feed), unless somebody else just did.

        All that was known is forgotten: the positions of rows, what was received, and how far a walk has got.
        """
        with transaction.atomic(using=self.using):
            changed = (
                self._rows()
                .filter(epoch=instead_of)
                .update(
                    epoch=uuid.uuid4(),
                    incarnation=head.incarnation if head else "",
                    cursor=head.cursor if head else "",
                    step=F("step") + 1,
                    position=0,
                    floor=0,
                    changes=0,
                    began_at=timezone.now(),
                    applied_at=None,
                )
            )
            if changed:
                for model in (BackfillCursor, Orphan, Kept):
                    model.objects.using(self.using).filter(capability=self.capability).delete()
        return bool(changed)

    @contextmanager
    def held(self, epoch: uuid.UUID, *, step: int | None = None) -> Iterator[ReplicaCursor]:
        """A transaction in which nobody else writes to the copy. With `step`, it moves the cursor of the feed on.

        Raises BegunAnewError when the epoch is another one by now, OvertakenError when the step is.
        """
        with undisturbed(), transaction.atomic(using=self.using):
            _bound_waiting(self.using)
            rows = self._rows().filter(epoch=epoch)
            if step is not None:
                rows = rows.filter(step=step)
            # An UPDATE, also where there is nothing to change: it is what takes SQLite's write lock and PostgreSQL's
            # lock of the row, before anything is read. It waits for the other writer, then looks at what that left.
            if not rows.update(step=F("step") + (0 if step is None else 1)):
                current = self._rows().filter(epoch=epoch).exists()
                raise OvertakenError if current else BegunAnewError
            yield self._rows().get()

    def move(self, **values: Any) -> None:
        """Write down how far it has got; within `held`."""
        self._rows().update(**values)

    def note(self, **values: Any) -> None:
        """Write down something that nobody decides by; in a transaction of its own."""
        with transaction.atomic(using=self.using):
            _bound_waiting(self.using)
            self._rows().update(**values)

    def _rows(self) -> "QuerySet[ReplicaCursor, ReplicaCursor]":
        return ReplicaCursor.objects.using(self.using).filter(capability=self.capability)


def _bound_waiting(using: str) -> None:
    """Let PostgreSQL refuse what can't be locked in time, as SQLite does: a command that waits for ever says nothing."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'")


def consumer_name(cursor: ReplicaCursor) -> str:
    """Under which the inbox knows it: what it knew of another epoch means nothing."""
    return f"{cursor.capability}/{cursor.epoch}"
