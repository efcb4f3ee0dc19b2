"""``guidebook pictures``: draws the guide's pictures from its steps' fig.yaml."""

from pathlib import Path

from guidebook.cli.output import JsonFlag, out, print_json
from guidebook.pictures import write_all
from guidebook.repository import find_repository


def pictures(as_json: JsonFlag = False) -> None:
    """Draw every picture that is not as the steps' fig.yaml and pictures.yaml say, and remove what nobody draws.

    `guidebook check` says whether there is something to draw.
    """
    repository = find_repository(Path.cwd())
    changed = [str(path.relative_to(repository.root)) for path in write_all(repository.guide)]
    if as_json:
        print_json({"changed": changed})
        return
    for name in changed:
        out.print(name)
    if not changed:
        out.print("every picture is as it should be")
