"""The version guard: an older state of a row never overwrites a newer one, whichever arrives first.

A version is the position of a *reading*: an integer that rises with the order of the readings, whatever they read. What
was read at a higher position is at least as new, for every row; equal positions mean equal content. So it is enough to
keep, for each row, the highest position at which it was read and applied - also where the reading found it gone
(a tombstone: an older page that still holds the row must not bring it back).
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence

from django.db import router
from django.db.models import Max
from django.utils import timezone

from chassis.inbox.models import RangeVersion, RowVersion

Key = int | str
"""A row's key as written in JSON. Text is compared by code points, which is the order of its bytes."""

_ROWS_PER_QUERY = 900


class Versions:
    """What `consumer` knows of its rows. The caller sees to it that nobody else writes them meanwhile."""

    def __init__(self, consumer: str, *, using: str | None = None) -> None:
        self._consumer = consumer
        self._using = using or router.db_for_write(RowVersion)

    def newer(self, table: str, read_at: Mapping[Key, int]) -> set[Key]:
        """Those keys that are known at a higher position than the one given: their reading is out of date."""
        if not read_at:
            return set()
        least = min(read_at.values())
        found: set[Key] = set()
        texts = {str(key): key for key in read_at}
        rows = RowVersion.objects.using(self._using).filter(
            consumer=self._consumer, table=table, position__gt=least
        )
        for part in _parts(list(texts)):
            for text, position in rows.filter(key__in=part).values_list("key", "position"):
                if position > read_at[texts[text]]:
                    found.add(texts[text])
        # Only ranges that were read after the oldest of these readings: as a rule there are none.
        for span in RangeVersion.objects.using(self._using).filter(
            consumer=self._consumer, table=table, position__gt=least
        ):
            found.update(
                key
                for key, position in read_at.items()
                if position < span.position and _holds(span, key)
            )
        return found

    def remember(
        self, table: str, read_at: Mapping[Key, int], *, deleted: Collection[Key] = ()
    ) -> None:
        """These rows were read at these positions, those in `deleted` as gone; none of them was `newer`."""
        now = timezone.now()
        rows = [
            RowVersion(
                consumer=self._consumer,
                table=table,
                key=str(key),
                position=position,
                deleted=key in deleted,
                at=now,
            )
            for key, position in read_at.items()
        ]
        RowVersion.objects.using(self._using).bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["consumer", "table", "key"],
            update_fields=["position", "deleted", "at"],
        )

    def remember_range(
        self, table: str, after: Key | None, through: Key | None, position: int
    ) -> None:
        """Every key behind `after` up to `through` was read at this position, whether there is a row or not."""
        RangeVersion.objects.using(self._using).create(
            consumer=self._consumer,
            table=table,
            after=after,
            through=through,
            position=position,
            at=timezone.now(),
        )

    def forget(self, before: dt.datetime, at_most: int) -> tuple[int, int | None]:
        """Forget up to so many versions written before that moment, whoever's they are; gives how many, and the
        highest position among this consumer's own: readings below it must not be applied any more."""
        forgotten, highest = 0, None
        for model in (RowVersion, RangeVersion):
            rows = model.objects.using(self._using)
            old = list(rows.filter(at__lt=before).values_list("pk", flat=True)[:at_most])
            chosen = rows.filter(pk__in=old)
            position = chosen.filter(consumer=self._consumer).aggregate(top=Max("position"))["top"]
            highest = max((p for p in (highest, position) if p is not None), default=None)
            forgotten += chosen.delete()[0]
        return forgotten, highest


def _holds(span: RangeVersion, key: Key) -> bool:
    # A table's keys are all integers or all texts.
    return (span.after is None or key > span.after) and (
        span.through is None or key <= span.through
    )


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _ROWS_PER_QUERY):
        yield texts[start : start + _ROWS_PER_QUERY]
