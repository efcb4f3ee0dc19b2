"""The declaration `CHASSIS["BACKFILL"]` of a service: which of its models takes the rows of which table.

    CHASSIS = {"BACKFILL": {"lending": {
        "library_shelf": "lending.Shelf",                          # columns and fields have the same names
        "library_loan": {
            "model": "lending.Loan",
            "rename": {"borrower_name": "borrower"},               # column on the wire -> field
            "ignore": ["note"],                                    # columns that are not wanted here
            "own": ["reminded_at"],                                # fields that the service fills itself
        },
    }}}

Every column and every field must be accounted for, so that nothing is lost by a spelling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import router
from django.db.models import Model

from chassis.declaration import Place, section
from chassis.ownership.models import BackfillCursor, ReplicaCursor
from chassis.ownership.tables import key_field, model_named
from chassis.ownership.values import AnyField


@dataclass(frozen=True)
class Target:
    """One table of this service and where its rows come from."""

    table: str
    model: type[Model]
    key: AnyField
    copied: Mapping[str, AnyField]
    """By the column's name on the wire; the key among them."""
    own: Sequence[AnyField]
    ignored: frozenset[str]

    @property
    def fields(self) -> list[AnyField]:
        """Every field that is written, those copied first."""
        return [*self.copied.values(), *self.own]


def declared_targets(capability: str) -> Sequence[Target]:
    """The targets of `capability`, parents before children. Raises ImproperlyConfigured."""
    written, top = section("BACKFILL")
    place = top[capability]
    if capability not in written:
        known = ", ".join(written) or "none"
        top.refuse(f"declares no capability {capability}; it declares {known}")
    targets: list[Target] = []
    for table, value in place.mapping(written[capability]).items():
        target = _read_target(table, value, place[table])
        if any(other.model is target.model for other in targets):
            place[table].refuse(
                f"{target.model._meta.label} takes the rows of another table already"
            )
        targets.append(target)
    if not targets:
        place.refuse("names no table")
    return _parents_first(targets)


def database_of(targets: Sequence[Target]) -> str:
    """The alias of the database that holds them all: rows, positions and cursors move in one transaction."""
    # Not above: the monolith reads this module for its checks, and needs no inbox.
    from chassis.inbox.models import RangeVersion, Received, RowVersion

    models: list[type[Model]] = [BackfillCursor, ReplicaCursor, Received, RowVersion, RangeVersion]
    models += [target.model for target in targets]
    aliases = {router.db_for_write(model) for model in models}
    if len(aliases) > 1:
        Place("CHASSIS")["BACKFILL"].refuse(
            f"the models, the cursors and the inbox are spread over the databases {', '.join(sorted(aliases))}; "
            "they must be in one"
        )
    return aliases.pop()


def _read_target(table: str, value: object, place: Place) -> Target:
    entry = {"model": value} if isinstance(value, str) else value
    entry = place.mapping(entry, known=("model", "rename", "ignore", "own"))
    model = model_named(place["model"].text_value(entry.get("model")), place)
    if model._meta.parents:
        place.refuse(f"{model._meta.label} inherits another model's table: name each table's model")
    key = key_field(model, place)
    fields = {
        field.attname: field
        for field in model._meta.concrete_fields
        if not getattr(field, "generated", False)  # the database fills it (Django 5.0 and later)
    }
    own = [
        _pop_field(fields, name, model, place["own"])
        for name in place["own"].names(entry.get("own", ()))
    ]
    copied: dict[str, AnyField] = {}
    for column, name in place["rename"].mapping(entry.get("rename", {})).items():
        name = place["rename"][column].text_value(name)
        copied[column] = _pop_field(fields, name, model, place["rename"][column])
    for name, field in fields.items():
        if name in copied:
            place["rename"].refuse(f"{name} goes elsewhere, so the field {name} needs a column too")
        copied[name] = field
    if key in own:
        place["own"].refuse("the key comes from the source")
    ignored = frozenset(place["ignore"].names(entry.get("ignore", ())))
    if both := sorted(ignored & set(copied)):
        place["ignore"].refuse(
            f"{both[0]} has a field in {model._meta.label}; name it in own instead"
        )
    return Target(table, model, key, copied, tuple(own), ignored)


def _pop_field(
    fields: dict[str, AnyField], name: str, model: type[Model], place: Place
) -> AnyField:
    found = [attname for attname, field in fields.items() if name in (attname, field.name)]
    if not found:
        place.refuse(f"{model._meta.label} has no field {name} left to name here")
    return fields.pop(found[0])


def _parents_first(targets: Sequence[Target]) -> list[Target]:
    by_model = {target.model: target for target in targets}
    ordered: list[Target] = []
    seen: set[str] = set()

    def visit(target: Target) -> None:
        if (
            target.table in seen
        ):  # also ends circles: what they need too early is fetched with the row
            return
        seen.add(target.table)
        for field in target.copied.values():
            if field.related_model in by_model:
                visit(by_model[field.related_model])
        ordered.append(target)

    for target in targets:
        visit(target)
    return ordered
