"""Writes batches: under the replica's lock, with nothing missing beside them, and never an older reading over a newer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import transaction

from chassis.inbox.versions import Versions
from chassis.ownership.backfill.batch import Batch, Outcome
from chassis.ownership.backfill.decoding import read_page
from chassis.ownership.backfill.known import Known
from chassis.ownership.backfill.leftovers import Leftovers
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.models import ReplicaCursor
from chassis.ownership.replica import Replica, consumer_name
from chassis.ownership.source.feed import FeedPage
from chassis.ownership.source.rows import Source, SourcePage


class AnotherSourceError(Exception):
    """Positions of this reading and of what was written can't be compared: the source is another one (a backup of it,
    a database that took over), or the reading lay about until the versions were forgotten. Nothing was written."""


class Writer:
    """For what is read while the replica stands in the epoch of `cursor`."""

    def __init__(
        self, replica: Replica, cursor: ReplicaCursor, targets: Sequence[Target], source: Source
    ) -> None:
        self._replica = replica
        self._targets = targets
        self._by_table = {target.table: target for target in targets}
        self._source = source
        self.epoch = cursor.epoch
        self._incarnation = cursor.incarnation
        self._is_followed = bool(cursor.cursor)
        self.known = Known(Versions(consumer_name(cursor), using=replica.using))
        self.leftovers = Leftovers(replica.capability, targets, replica.using)

    def batch(self) -> Batch:
        """An empty one."""
        return Batch(self._targets, self.leftovers, self._replica.using)

    def position_of(self, page: SourcePage | FeedPage) -> int:
        """Its position, if that is of use: where nobody follows the feed, there is nothing to compare it with.

        Raises AnotherSourceError when the page is not of the source that the copy is of.
        """
        if not self._is_followed:
            return 0
        if page.incarnation != self._incarnation:
            raise AnotherSourceError
        return page.position

    @contextmanager
    def held(self, oldest: int, *, step: int | None = None) -> Iterator[ReplicaCursor]:
        """A transaction in which what was read at the position `oldest`, or later, may be written.

        Raises BegunAnewError, OvertakenError, AnotherSourceError.
        """
        with self._replica.held(self.epoch, step=step) as cursor:
            if oldest < cursor.floor:
                raise AnotherSourceError
            yield cursor

    @contextmanager
    def written(
        self,
        batch: Batch,
        *,
        step: int | None = None,
        first: Callable[[], None] = lambda: None,
    ) -> Iterator[Mapping[str, Outcome]]:
        """Write the batch, and in the same transaction what the caller does meanwhile; gives the outcomes by table.

        `first` is called in the transaction before anything is written, and again when that is begun anew because
        something had to be fetched. Raises SourceError, UnsettledError, and what `held` raises.
        """
        while True:
            with self.held(batch.oldest(), step=step):
                first()
                batch.drop_outdated(self.known)
                needed = batch.needs()
                if not needed:
                    yield batch.write(self.known)
                    return
                transaction.set_rollback(True, using=self._replica.using)
            self.fetch(batch, needed)

    def fetch(self, batch: Batch, needed: Mapping[str, set[object]]) -> None:
        """Read these keys, by table, into the batch. Raises SourceError, AnotherSourceError."""
        for table, keys in needed.items():
            target = self._by_table[table]
            for asked, page in self._source.rows(table, list(keys)):
                position, rows = self.position_of(page), read_page(target, page)
                batch.add(target, rows, position)
                batch.mark_absent(target, set(asked) - rows.keys(), position)
