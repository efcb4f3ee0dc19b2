"""How the helps of all commands look: a flag takes no value, so none is shown beside it."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command of fig."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options and arguments, flags (``--help`` too) without ``<bool>``."""
        return _flags_without_value(super().get_params(ctx))


class Group(TyperGroup):
    """A command of fig with commands below it."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options, flags (``--help`` too) without ``<bool>``."""
        return _flags_without_value(super().get_params(ctx))


def _flags_without_value(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params
