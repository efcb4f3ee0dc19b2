"""How the helps of all commands look: a flag takes no value, so none is shown beside it."""

from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command of the guide."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options and arguments, flags (``--help`` too) without ``<bool>``."""
        params = super().get_params(ctx)
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return params
