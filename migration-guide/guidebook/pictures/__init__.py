"""Draws the guide's pictures from its steps' fig.yaml. What is committed in pictures/ equals what is drawn now.

May not hold what a machine could decide otherwise: no fonts are measured, no clock is read, no order is left to chance.
"""

from pathlib import Path

from guidebook.pictures.ladder import draw_ladder
from guidebook.pictures.road_map import draw_road_map
from guidebook.pictures.shadow import draw_request
from guidebook.pictures.system import draw_system, read_system
from guidebook.pictures.words import read_words
from guidebook.repository import GUIDE

__all__ = ["FOLDER", "draw_all", "find_stale", "read_words", "write_all"]

FOLDER = "pictures"


def draw_all(guide: Path) -> dict[str, str]:
    """Every picture by its file's name. ``guide`` is the folder migration-guide. Raises GuideError."""
    words = read_words(guide)
    drawn = {
        f"{step.folder}.svg": draw_system(
            read_system(
                guide / step.folder / "fig.yaml", f"{GUIDE}/{step.folder}/fig.yaml", step, words
            )
        )
        for step in words.steps
    }
    return drawn | {
        "request-in-shadow.svg": draw_request(),
        "stages.svg": draw_ladder(),
        "road-map.svg": draw_road_map(words),
    }


def write_all(guide: Path) -> list[Path]:
    """Write what is not as it should be, remove what nobody draws; answers which files changed."""
    changed = []
    for file, drawn in find_stale(guide).items():
        file.parent.mkdir(exist_ok=True)
        if drawn is None:
            file.unlink()
        else:
            file.write_bytes(drawn.encode())
        changed.append(file)
    return changed


def find_stale(guide: Path) -> dict[Path, str | None]:
    """Files of pictures/ that are not as they would be drawn now, with what they should hold; None: nothing draws it."""
    folder = guide / FOLDER
    drawn = {folder / name: text for name, text in draw_all(guide).items()}
    stale: dict[Path, str | None] = {
        file: text
        for file, text in drawn.items()
        if not file.exists() or file.read_bytes() != text.encode()
    }
    strays = {file: None for file in sorted(folder.glob("*.svg")) if file not in drawn}
    return stale | strays
