"""Rows that could not be made as the source has them, and what they wait for.

Orphans were left out, because what they refer to is not in the source. Where both databases enforce their foreign keys
such a row has changed in the moment between two readings, and its next change is on its way. But a source that does not
enforce them may get the parent later, and says nothing about the row then.

Kept rows are gone from the source, but something here still refers to them: a row whose own change is on its way, or one
of the service's own.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from django.db.models import Model, QuerySet

from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.references import held_by_others
from chassis.ownership.models import Kept, Orphan
from chassis.ownership.rows import parse_key
from chassis.ownership.values import kind_of

Leftover = TypeVar("Leftover", bound=Model)


class Leftovers:
    """One capability's, in the database of its rows."""

    def __init__(self, capability: str, targets: Sequence[Target], using: str) -> None:
        self._capability = capability
        self._by_table = {target.table: target for target in targets}
        self._using = using

    def waiting_for(self, parent: Target, keys: Collection[object]) -> Mapping[str, set[object]]:
        """The keys, by table, of the orphans that wait for one of these rows."""
        found: defaultdict[str, set[object]] = defaultdict(set)
        if keys:
            rows = self._of(Orphan).filter(
                parent_table=parent.table, parent_key__in=[str(key) for key in keys]
            )
            for table, key in rows.values_list("table", "key"):
                if table in self._by_table:
                    found[table].add(_read(self._by_table[table], key))
        return found

    def free(self) -> Mapping[str, set[object]]:
        """The keys, by table, of kept rows to which nothing refers any more."""
        kept: defaultdict[str, set[object]] = defaultdict(set)
        for table, key in self._of(Kept).values_list("table", "key"):
            if table in self._by_table:
                kept[table].add(_read(self._by_table[table], key))
        free = {
            table: keys - held_by_others(self._by_table[table].model, keys, self._using)
            for table, keys in kept.items()
        }
        return {table: keys for table, keys in free.items() if keys}

    def settle(self, target: Target, keys: Collection[object]) -> None:
        """These rows are as the source has them, or gone as they are there."""
        if keys:
            texts = [str(key) for key in keys]
            self._of(Orphan).filter(table=target.table, key__in=texts).delete()
            self._of(Kept).filter(table=target.table, key__in=texts).delete()

    def keep(self, target: Target, keys: Collection[object]) -> None:
        """These rows are gone from the source, and stay here for now."""
        Kept.objects.using(self._using).bulk_create(
            [Kept(capability=self._capability, table=target.table, key=str(key)) for key in keys],
            ignore_conflicts=True,
        )

    def leave_out(
        self, target: Target, parents: Mapping[object, Collection[tuple[str, object]]]
    ) -> None:
        """These rows wait, each for rows of these tables and keys; and for no others that they waited for before."""
        self.settle(target, parents.keys())
        Orphan.objects.using(self._using).bulk_create(
            Orphan(
                capability=self._capability,
                table=target.table,
                key=str(key),
                parent_table=table,
                parent_key=str(parent_key),
            )
            for key, wanted in parents.items()
            for table, parent_key in wanted
        )

    def _of(self, model: type[Leftover]) -> "QuerySet[Leftover, Leftover]":
        return model._default_manager.using(self._using).filter(capability=self._capability)


def _read(target: Target, key: str) -> object:
    kind = kind_of(target.key)
    assert kind is not None  # the mapping refuses other keys
    return parse_key(kind, key)
