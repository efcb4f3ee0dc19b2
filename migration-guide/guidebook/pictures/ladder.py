"""The four stages as a ladder: who answers the users, who is asked too, what moves up and what takes back."""

from typing import Final

from guidebook.pictures.drawing import Box, Picture
from stranglerfig.config.capability import Stage

ROW: Final = 104
BAR: Final = Box(184, 0, 366, 26)
SHARE: Final = {Stage.MONOLITH: 0.0, Stage.SHADOW: 0.0, Stage.CANARY: 0.25, Stage.SERVICE: 1.0}
TOO: Final = {
    Stage.MONOLITH: "nobody else is asked",
    Stage.SHADOW: "the service is asked too, and compared",
    Stage.CANARY: "the other side is asked too, and compared",
    Stage.SERVICE: "the monolith is asked too, and compared",
}


def draw_ladder() -> str:
    """The picture of the stages, the last one on top."""
    stages = sorted(Stage, key=lambda stage: -stage.rank)
    height = ROW * len(stages) + 64
    description = (
        "From bottom to top: in monolith the monolith answers everybody; in shadow it still does, and the service "
        "is asked too; in canary the service answers a share of users; in service it answers everybody. fig set "
        "moves one rung up or down, fig abort goes back to monolith from everywhere."
    )
    picture = Picture(height, "The four stages of a capability", description)
    for number, stage in enumerate(stages):
        _draw_rung(picture, stage, 26 + number * ROW)
    last = 26 + ROW * (len(stages) - 1) + 80
    picture.arrow(((36, last), (36, 30)))
    picture.arrow(((600, 30), (600, last)), "shadow")
    picture.words((28, last + 28), "fig set: one word, a rung at a time", "label", anchor="start")
    picture.words(
        (612, last + 28), "fig abort: back, from everywhere", "label-shadow", anchor="end"
    )
    return picture.svg()


def _draw_rung(picture: Picture, stage: Stage, top: float) -> None:
    picture.box(Box(60, top, 514, 80))
    picture.words((78, top + 45), str(stage), "ink", anchor="start", bold=True, mono=True)
    bar = Box(BAR.x, top + 14, BAR.width, BAR.height)
    share = SHARE[stage]
    picture.box(bar, corner=0)
    if share:
        picture.bar(
            Box(bar.right - bar.width * share, bar.y, bar.width * share, bar.height),
            "service",
            opacity=0.25,
        )
    if share < 1:
        picture.words(
            (bar.x + bar.width * (1 - share) / 2, bar.y + 18), "monolith answers", "ink", size=14
        )
    if share:
        picture.words(
            (bar.right - bar.width * share / 2, bar.y + 18),
            "service" if share < 1 else "service answers",
            "ink",
            size=14,
        )
    picture.words((BAR.x, top + 64), TOO[stage], "quiet", anchor="start", size=14)
