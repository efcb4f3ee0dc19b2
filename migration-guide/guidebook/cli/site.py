"""``guidebook site``: builds the guide as a site."""

from pathlib import Path
from typing import Annotated

import typer

from guidebook.book import read_book
from guidebook.cli.output import ExitCode, err, out, tell_problems
from guidebook.repository import find_repository
from guidebook.site import SiteError, build_site

OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="The folder to build into; site/ of the repository by default.",
        file_okay=False,
    ),
]


def site(folder: OutOption = None) -> None:
    """Build the guide as a site: searchable, without a network, from the pages as they are.

    A link that leads nowhere, a warning, or a page that would ask another host ends it with 1, and the old site stays.
    """
    repository = find_repository(Path.cwd())
    target = folder.absolute() if folder else repository.root / "site"
    err.print("building …")
    try:
        count = build_site(read_book(repository), target)
    except SiteError as error:
        tell_problems([error])
        raise typer.Exit(ExitCode.NO) from error
    out.print(f"{count} pages; open {target / 'index.html'}")
