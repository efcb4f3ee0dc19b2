"""What this service's database holds of the rows that a batch speaks of. Looked at under the replica's lock, so that it
still holds when the batch is written."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import ForeignKey

from chassis.ownership.backfill.decoding import Row
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.readings import Readings
from chassis.ownership.backfill.references import fields_referring_to, is_enforced
from chassis.ownership.values import AnyField


@dataclass(frozen=True, slots=True)
class Reference:
    """A row here that refers to one which is gone from the source, and so can't go from here as it stands."""

    table: str
    key: object
    child: Target | None
    """None: a model, or a field, of the service's own."""
    child_key: object
    attname: str


class Here:
    """A look at the tables: the rows that were read, and who refers to those that are gone."""

    def __init__(self, targets: Sequence[Target], readings: Readings, using: str) -> None:
        self._by_model = {target.model: target for target in targets}
        self._using = using
        self.rows = {
            target.table: self._existing(target, readings.of(target.table)) for target in targets
        }
        self.gone = {
            target.table: readings.absent(target.table) & self.rows[target.table].keys()
            for target in targets
        }
        self.references = [
            reference
            for target in targets
            if self.gone[target.table]
            for reference in self._references_to(target)
        ]

    def keys(self, target: Target, keys: Collection[object]) -> set[object]:
        """Those of `keys` that have a row here."""
        rows = target.model._base_manager.using(self._using).filter(pk__in=keys)
        return set(rows.values_list("pk", flat=True)) if keys else set()

    def holders(
        self, target: Target, names: Sequence[str], wanted: Collection[tuple[object, ...]]
    ) -> Iterator[tuple[object, tuple[object, ...]]]:
        """The rows here that hold one of these values, which are unique together: their keys, and the values."""
        same = {f"{name}__in": {values[i] for values in wanted} for i, name in enumerate(names)}
        rows = target.model._base_manager.using(self._using).filter(**same)
        for holder, *held in rows.values_list("pk", *names):
            if tuple(held) in wanted:
                yield holder, tuple(held)

    def parents(self, target: Target) -> "Iterator[tuple[AnyField, Target]]":
        """The foreign keys of `target` that the database enforces, with the tables they refer to."""
        for field in target.copied.values():
            if isinstance(field, ForeignKey) and is_enforced(field):
                parent = self._by_model.get(field.related_model)
                if parent is not None:
                    yield field, parent

    def _existing(self, target: Target, keys: Collection[object]) -> dict[object, Row]:
        if not keys:
            return {}
        names = [field.attname for field in target.fields]
        rows = target.model._base_manager.using(self._using).filter(pk__in=list(keys))
        return {
            key: {
                name: bytes(value) if isinstance(value, memoryview) else value
                for name, value in zip(names, values, strict=True)
            }
            for key, *values in rows.values_list("pk", *names)
        }

    def _references_to(self, target: Target) -> Iterator[Reference]:
        for field in fields_referring_to(target.model):
            child = self._by_model.get(field.model)
            if child is not None and field not in child.copied.values():
                child = None
            rows = field.model._base_manager.using(self._using)
            held = rows.filter(**{f"{field.attname}__in": self.gone[target.table]})
            for child_key, key in held.values_list("pk", field.attname):
                yield Reference(target.table, key, child, child_key, field.attname)


def differs(row: Row, here: Row | None) -> bool:
    return here is None or any(here[name] != value for name, value in row.items())
