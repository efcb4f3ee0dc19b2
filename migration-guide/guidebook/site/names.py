"""Where a file of the repository stands in the site."""

from pathlib import PurePosixPath

from guidebook.repository import GUIDE

REPOSITORY = "repository"
PICTURES = (".svg", ".png")


def staged_name(name: str) -> str:
    """`migration-guide/03-shadow/README.md` is `03-shadow/index.md`; files outside the guide are under `repository/`."""
    path = PurePosixPath(name)
    inside = path.parts[0] == GUIDE
    staged = PurePosixPath(*path.parts[1:]) if inside else PurePosixPath(REPOSITORY, name)
    if path.suffix in PICTURES:
        return str(staged)
    if path.suffix == ".md":
        return str(staged.with_name("index.md") if path.name == "README.md" else staged)
    return f"{staged}.md"
