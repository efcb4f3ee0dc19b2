"""``fig diffs``: what the comparison found, how sure that is, and what people decided about it.

Reads files, so it works without a running proxy.
"""

from typing import Any

import typer

from stranglerfig.cli.command import Command, Group
from stranglerfig.cli.diffs_list import list_
from stranglerfig.cli.diffs_mark import mark
from stranglerfig.cli.diffs_show import ShowCommand, show


class _ListsByDefault(Group):
    """``fig diffs catalog`` means ``fig diffs list catalog``: listing is what one mostly wants."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # A call for help goes along: the options that one asks for are those of the listing.
        return super().parse_args(
            ctx, args if args and args[0] in self.commands else ["list", *args]
        )


app = typer.Typer(
    cls=_ListsByDefault,
    help="Show what differs between the monolith's answers and the service's, and how sure that is.",
    rich_markup_mode="rich",
)
app.command("list", cls=Command)(list_)
app.command(cls=ShowCommand)(show)
app.command(cls=Command)(mark)
