"""Foreign keys that the database enforces: they say what must be written, or deleted, with what."""

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
