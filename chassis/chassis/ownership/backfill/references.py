"""Foreign keys that the database enforces: they say what must be written, or deleted, with what."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db.models import ForeignKey, Model


def is_enforced(field: "ForeignKey[Any, Any]") -> bool:
    """Whether the database refuses a row whose parent's key is missing."""
    return bool(vars(field)["db_constraint"]) and field.target_field.primary_key


def fields_referring_to(model: type[Model]) -> "list[ForeignKey[Any, Any]]":
    """The enforced foreign keys, of any model of the project, that point at `model`."""
    fields = [
        getattr(relation, "field", None) for relation in model._meta.get_fields(include_hidden=True)
    ]
    return [
        field
        for field in fields
        if isinstance(field, ForeignKey) and field.related_model is model and is_enforced(field)
    ]


def held_by_others(model: type[Model], keys: Collection[object], using: str) -> set[object]:
    """Those of `keys` that can't all be deleted together: a row refers to them that is none of them, or is one that is
    held itself. Rows that refer to each other in a circle go together."""
    held: set[object] = set()
    among: defaultdict[object, set[object]] = defaultdict(set)
    for field in fields_referring_to(model) if keys else ():
        rows = field.model._base_manager.using(using).filter(**{f"{field.attname}__in": keys})
        for child, key in rows.values_list("pk", field.attname):
            if field.model is model and child in keys:
                among[child].add(key)
            else:
                held.add(key)
    holding = list(held)
    while holding:
        more = among[holding.pop()] - held
        held |= more
        holding += more
    return held
