"""A whole copy: it begins where the feed ends, and begins anew when what it is made from turns out to be another source."""

from collections.abc import Collection, Sequence

from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.walk import Walk, Walked, WalkError, Watcher
from chassis.ownership.backfill.writer import AnotherSourceError
from chassis.ownership.models import BackfillCursor
from chassis.ownership.replica import BegunAnewError, Replica
from chassis.ownership.source.feed import Feed, Head, NoFeedError
from chassis.ownership.source.rows import Source

MOST_BEGINNINGS = 5


def copy(
    replica: Replica,
    targets: Sequence[Target],
    source: Source,
    feed: Feed,
    *,
    chunk: int,
    watcher: Watcher,
    tables: Collection[str] | None = None,
    restart: bool = False,
) -> Walked:
    """Walk to the end, or the rest of a walk that was interrupted.

    When nobody has followed the feed so far, its head is noted first: from there `consume` goes on, and misses nothing.
    Raises SourceError, WalkError.
    """
    for _ in range(MOST_BEGINNINGS):
        cursor = replica.cursor()
        if not cursor.cursor and (head := _head(feed)) is not None:
            replica.begin(head, instead_of=cursor.epoch)
        walk = Walk(targets, source, replica, chunk=chunk, watcher=watcher, tables=tables)
        try:
            return walk.run(restart=restart)
        except BegunAnewError:
            continue  # by `consume`, which found the feed's cursor gone
        except AnotherSourceError:
            replica.begin(_head(feed), instead_of=walk.epoch)
    raise WalkError(
        f"the source became another one {MOST_BEGINNINGS} times meanwhile. Do several databases answer under its address?"
    )


def uncopied(replica: Replica, targets: Sequence[Target]) -> set[str]:
    """The tables through which no walk has come to its end since the copy began."""
    copied = BackfillCursor.objects.using(replica.using).filter(
        capability=replica.capability, copied=True
    )
    return {t.table for t in targets} - set(copied.values_list("table", flat=True))


def _head(feed: Feed) -> Head | None:
    """Where the feed ends; None from a source without one, whose rows can be copied all the same."""
    try:
        return feed.head()
    except NoFeedError:
        return None
