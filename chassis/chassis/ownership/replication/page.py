"""Applying one page of the feed: rows, positions, received events and cursor in one transaction."""

from collections.abc import Mapping, Sequence

from django.db import DataError, IntegrityError
from django.db.models import F
from django.utils import timezone

from chassis.inbox.receive import receive_all
from chassis.ownership.backfill.batch import Batch, Outcome
from chassis.ownership.backfill.decoding import read_key, read_page
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.writer import AnotherSourceError, Writer
from chassis.ownership.models import ReplicaCursor
from chassis.ownership.replica import Replica, consumer_name
from chassis.ownership.source.feed import FeedPage


class PageError(Exception):
    """The page does not fit into this service's tables; the message says why."""


def apply(
    page: FeedPage,
    cursor: ReplicaCursor,
    replica: Replica,
    targets: Sequence[Target],
    writer: Writer,
) -> Mapping[str, Outcome]:
    """Write what the page, which was read from `cursor`, shows; outcomes by table, none when there was nothing new.

    Raises PageError, SourceError, AnotherSourceError, BegunAnewError, OvertakenError: nothing of it was written then.
    """
    position = writer.position_of(page)
    if position < cursor.position:
        raise AnotherSourceError
    if page.next == cursor.cursor and not page.event_ids:
        return {}
    by_table = {target.table: target for target in targets}
    # The source may own tables that this service does not copy.
    events = {
        event_id: (by_table[table], key)
        for event_id, (table, key) in page.event_ids.items()
        if table in by_table
    }
    batch = _batch(page, position, by_table, writer)

    dropped: set[str] = set()

    def receive() -> None:
        new = receive_all(consumer_name(cursor), list(events), using=replica.using)
        # Once: what is fetched afterwards, because another row needs it, stays in the batch.
        for event_id in events.keys() - new - dropped:
            target, key = events[event_id]
            batch.drop(target, [read_key(target, key)])
            dropped.add(event_id)

    try:
        with writer.written(batch, step=cursor.step, first=receive) as outcomes:
            now = timezone.now()
            replica.move(
                cursor=page.next,
                position=position,
                changes=F("changes") + len(events),
                applied_at=now,
                heard_at=now,
            )
        return outcomes
    except (IntegrityError, DataError) as error:
        named = [f"{target.table}/{key}" for target, key in events.values()]
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        raise PageError(
            f"the changes after {cursor.cursor} ({', '.join(named[:3])}{more}): the database refuses them: {error}"
        ) from error


def _batch(page: FeedPage, position: int, by_table: Mapping[str, Target], writer: Writer) -> Batch:
    batch = writer.batch()
    for table, rows in page.changed.items():
        if table in by_table:
            batch.add(by_table[table], read_page(by_table[table], rows), position)
    for table, keys in page.deleted.items():
        if table in by_table:
            target = by_table[table]
            batch.mark_absent(target, [read_key(target, key) for key in keys], position)
    return batch
