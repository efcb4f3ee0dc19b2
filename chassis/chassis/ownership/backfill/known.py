"""At which positions the rows here are known: the inbox's version guard, by a target's own keys."""

import datetime as dt
from collections.abc import Collection, Mapping

from chassis.inbox.versions import Versions
from chassis.ownership.backfill.decoding import write_key
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.readings import Span


class Known:
    """The versions of one replica's rows. Position 0, of a source that tells none, is compared with nothing."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    def newer(self, target: Target, read_at: Mapping[object, int]) -> set[object]:
        """Those keys that are known at a higher position than they were read at."""
        keys = {write_key(target, key): key for key, position in read_at.items() if position}
        found = self._versions.newer(
            target.table, {written: read_at[key] for written, key in keys.items()}
        )
        return {keys[written] for written in found}

    def remember(
        self, target: Target, read_at: Mapping[object, int], deleted: Collection[object]
    ) -> None:
        """These were read at these positions, those in `deleted` as gone."""
        positions = {
            write_key(target, key): position for key, position in read_at.items() if position
        }
        gone = {write_key(target, key) for key in deleted}
        if positions:
            self._versions.remember(target.table, positions, deleted=gone)

    def remember_span(self, span: Span) -> None:
        """What the span holds, and does not hold, was read at its position."""
        if span.position:
            self._versions.remember_range(span.table, span.after, span.through, span.position)

    def forget(self, before: dt.datetime, at_most: int) -> tuple[int, int | None]:
        """As `Versions.forget`."""
        return self._versions.forget(before, at_most)
