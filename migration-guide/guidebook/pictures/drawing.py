"""Boxes, arrows and words as SVG text. Numbers in, the same bytes out: nothing here asks a clock, a font or a library."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from math import hypot
from typing import Final, Literal

from guidebook.pictures.palette import style_sheet

WIDTH: Final = 640
LINE_HEIGHT: Final = 20
TIP: Final = 9
FAMILY: Final = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
MONO: Final = "ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', monospace"

Line = Literal["edge", "service", "shadow", "data"]
Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle that lines can begin and end at."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def centre(self) -> float:
        return self.y + self.height / 2


@dataclass
class Picture:
    """One SVG, drawn from the back to the front."""

    height: float
    title: str
    description: str
    _parts: list[str] = field(default_factory=list)

    def box(
        self,
        box: Box,
        *,
        kind: str = "box",
        line: Line = "edge",
        dashed: bool = False,
        corner: int = 10,
    ) -> None:
        """A rectangle, rounded unless `corner` is 0."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(
            f'<rect class="{kind} line-{line}" {_place(box)} rx="{corner}" stroke-width="1.5"{dash}/>'
        )

    def database(self, box: Box, line: Line) -> None:
        """A cylinder, the field's sign for a database."""
        x, y, right, bottom, tilt = box.x, box.y, box.right, box.bottom, 9.0
        half = box.width / 2
        self._parts.append(
            f'<path class="box line-{line}" stroke-width="1.5" d="M{_n(x)} {_n(y + tilt)}'
            f"A{_n(half)} {_n(tilt)} 0 0 1 {_n(right)} {_n(y + tilt)}V{_n(bottom - tilt)}"
            f"A{_n(half)} {_n(tilt)} 0 0 1 {_n(x)} {_n(bottom - tilt)}Z"
            f'M{_n(x)} {_n(y + tilt)}A{_n(half)} {_n(tilt)} 0 0 0 {_n(right)} {_n(y + tilt)}"/>'
        )

    def bar(self, box: Box, line: Line, *, opacity: float = 1.0) -> None:
        """A filled stripe: a share of something."""
        faded = f' fill-opacity="{_n(opacity)}"' if opacity != 1.0 else ""
        self._parts.append(f'<rect class="tip-{line}" {_place(box)}{faded}/>')

    def words(
        self,
        at: Point,
        lines: str | Sequence[str],
        kind: str,
        *,
        anchor: Anchor = "middle",
        bold: bool = False,
        mono: bool = False,
        size: int = 15,
    ) -> None:
        """One or more lines of text; `at` is the baseline of the first."""
        x, y = at
        look = f' font-size="{size}"' + (' font-weight="600"' if bold else "")
        look += f' font-family="{MONO}"' if mono else ""
        for number, line in enumerate([lines] if isinstance(lines, str) else lines):
            self._parts.append(
                f'<text class="{kind}" x="{_n(x)}" y="{_n(y + number * LINE_HEIGHT)}" '
                f'text-anchor="{anchor}"{look}>{escape(line, quote=False)}</text>'
            )

    def arrow(self, points: Sequence[Point], line: Line = "edge", *, tip: bool = True) -> None:
        """A line through `points` with a tip at its end; what is asked in shadow is dashed."""
        end = points[-1]
        before = points[-2]
        length = hypot(end[0] - before[0], end[1] - before[1])
        along = ((end[0] - before[0]) / length, (end[1] - before[1]) / length)
        drawn = list(points)
        if tip:
            drawn[-1] = (end[0] - along[0] * TIP, end[1] - along[1] * TIP)
        dash = ' stroke-dasharray="6 5"' if line == "shadow" else ""
        course = f"M{_n(drawn[0][0])} {_n(drawn[0][1])}" + "".join(
            f"L{_n(x)} {_n(y)}" for _, (x, y) in pairwise(drawn)
        )
        self._parts.append(
            f'<path class="line-{line}" fill="none" stroke-width="2"{dash} d="{course}"/>'
        )
        if tip:
            base = drawn[-1]
            side = (-along[1] * TIP / 2, along[0] * TIP / 2)
            corners = (
                end,
                (base[0] + side[0], base[1] + side[1]),
                (base[0] - side[0], base[1] - side[1]),
            )
            self._parts.append(
                f'<path class="tip-{line}" d="M'
                + "L".join(f"{_n(x)} {_n(y)}" for x, y in corners)
                + 'Z"/>'
            )

    def svg(self) -> str:
        """The whole file."""
        height = _n(self.height)
        opening = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" font-family="{FAMILY}" role="img" '
            f'aria-labelledby="title description">'
        )
        return "\n".join((
            opening,
            f'<title id="title">{escape(self.title, quote=False)}</title>',
            f'<desc id="description">{escape(self.description, quote=False)}</desc>',
            f"<style>\n{style_sheet()}\n</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}" rx="14"/>',
            *self._parts,
            "</svg>\n",
        ))  # fmt: skip


def _place(box: Box) -> str:
    return f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'


def _n(number: float) -> str:
    """A number with at most one decimal, written in one way on every machine."""
    rounded = f"{number:.1f}"
    return rounded.removesuffix(".0") if rounded != "-0.0" else "0"
