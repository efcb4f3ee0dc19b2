"""The way: the steps that can be walked, and those that come later."""

from typing import Final

from guidebook.pictures.drawing import Box, Picture
from guidebook.pictures.words import Words

ROW: Final = 66


def draw_road_map(words: Words) -> str:
    """The picture of the whole way."""
    height = 40 + ROW * len(words.steps) + 40 + 26 * len(words.later) + 20
    said = "; ".join(f"{step.folder[:2]} {step.does}" for step in words.steps)
    later = "; ".join(words.later)
    picture = Picture(height, "The way from a monolith", f"{said}. Later, not there yet: {later}.")
    x = 52
    last = 50 + ROW * (len(words.steps) - 1)
    picture.arrow(((x, 50), (x, last)), tip=False)
    picture.arrow(((x, last), (x, height - 22)), "shadow")
    for number, step in enumerate(words.steps):
        y = 50 + ROW * number
        picture.box(Box(x - 24, y - 20, 48, 40), kind="proxy")
        picture.words((x, y + 5), step.folder[:2], "on-proxy", bold=True)
        picture.words((94, y - 3), _name(step.folder), "label-ink", anchor="start", bold=True)
        picture.words((94, y + 17), step.does, "label", anchor="start", size=14)
    y = last + ROW - 8
    picture.words((94, y), "later; not there yet", "label-shadow", anchor="start", bold=True)
    for number, line in enumerate(words.later):
        picture.words((94, y + 24 + 26 * number), line, "label", anchor="start", size=14)
    return picture.svg()


def _name(folder: str) -> str:
    """`04-canary` as people say it."""
    return folder[3:].replace("-", " ").capitalize()
