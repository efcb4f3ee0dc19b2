"""A request in shadow, from the shopper to the verdict: who talks to whom, and when the shopper is already gone."""

from typing import Final

from guidebook.pictures.drawing import Box, Line, Picture

WHO: Final = {
    "shopper": 62.0,
    "worker": 194.0,
    "monolith": 326.0,
    "comparer": 454.0,
    "service": 578.0,
}
# from, to, what is said, how
TOLD: Final[tuple[tuple[str, str, str, Line], ...]] = (
    ("shopper", "worker", "GET …/products/", "edge"),
    ("worker", "monolith", "the same bytes", "edge"),
    ("monolith", "worker", "the answer", "edge"),
    ("worker", "shopper", "the answer", "edge"),
    ("worker", "comparer", "a copy", "shadow"),
    ("comparer", "service", "asks, marked", "shadow"),
    ("service", "comparer", "its answer", "shadow"),
)
TOP: Final = 66
STEP: Final = 46
SERVED: Final = 4  # messages until the shopper has the answer


def draw_request() -> str:
    """The picture of one shadowed request."""
    end = TOP + STEP * (len(TOLD) + 1) + 52
    description = (
        "A shopper asks the proxy's worker, the worker asks the monolith and hands its answer on: the shopper is "
        "served. Only then a copy goes to the comparer, which asks the service with a signed Fig-Shadow header and "
        "compares both answers. Nothing that happens there can delay or change the shopper's answer."
    )
    picture = Picture(end + 62, "A request in shadow", description)
    for name, x in WHO.items():
        picture.arrow(((x, 52), (x, end)), tip=False)
        box = Box(x - 54, 18, 108, 36)
        picture.box(box, kind="box", line="service" if name == "service" else "edge")
        picture.words((x, box.centre + 5), name, "ink", size=14)
    for number, (start, stop, said, line) in enumerate(TOLD):
        y = TOP + STEP * (number + 1) + (STEP * 0.7 if number >= SERVED else 0)
        picture.arrow(((WHO[start], y), (WHO[stop], y)), line)
        kind = "label-shadow" if line == "shadow" else "label"
        picture.words(((WHO[start] + _next(start, stop)) / 2, y - 8), said, kind, size=13)
    served = TOP + STEP * (SERVED + 0.45)
    picture.arrow(((14, served), (626, served)), "service", tip=False)
    picture.words((70, served + 22), "served: the rest", "label-service", anchor="start", size=13)
    picture.words((70, served + 40), "can’t delay it", "label-service", anchor="start", size=13)
    verdict = Box(374, end, 160, 40)
    picture.box(verdict, line="shadow")
    picture.words((verdict.middle, verdict.centre + 5), "equal, or how not", "ink", size=14)
    return picture.svg()


def _next(start: str, stop: str) -> float:
    """The line beside `start` towards `stop`: a label between the two crosses none."""
    lines = list(WHO.values())
    at = lines.index(WHO[start])
    return lines[at + 1] if WHO[stop] > WHO[start] else lines[at - 1]
