"""A run as a picture: one panel for each case, a bar for each proxy, a line from the least to the most that was seen.

Plain SVG that needs nothing from outside, and follows the reader's light or dark scheme.
"""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from benchmarks.peers import OURS
from benchmarks.proxies.cases import Case, Column
from benchmarks.proxies.run import Row

WIDTH = 860
NAMES = 190  # room for the names, left of the bars
FIGURES = 170  # room for the figures, right of them
LINE = 24
HEAD = 46
GAP = 22
MARGIN = 20
CAPTION_LINE = 18

STYLE = """
  svg { color-scheme: light dark; background: #ffffff; }
  text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #0f172a; }
  .title { font-weight: 600; font-size: 15px; }
  .quiet { fill: #526077; font-size: 12px; }
  .ours { fill: #15803d; }
  .peer { fill: #94a3b8; }
  .spread { stroke: #0f172a; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0f172a; }
    text { fill: #e8edf4; }
    .quiet { fill: #a3b1c6; }
    .ours { fill: #4ade80; }
    .peer { fill: #64748b; }
    .spread { stroke: #e8edf4; }
  }
"""


def chart(cases: Sequence[Case], rows: Mapping[str, Sequence[Row]], captions: Sequence[str]) -> str:
    """The whole picture; cases without figures are left out."""
    panels: list[str] = []
    top = MARGIN
    for case in cases:
        if found := rows.get(case.name):
            panels += _panel(case, found, top)
            top += HEAD + LINE * len(found) + GAP
    for line in captions:
        panels.append(_text(MARGIN, top + 4, line, "quiet"))
        top += CAPTION_LINE
    height = top + MARGIN - CAPTION_LINE // 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
            '<title id="title">Proxies beside each other: for each case a bar for each proxy</title>',
            f"<style>{STYLE}</style>",
            *panels,
            "</svg>",
            "",
        ]
    )


def _panel(case: Case, rows: Sequence[Row], top: int) -> list[str]:
    column = case.columns[0]
    most = max(row.spread(column.key).most for row in rows) or 1.0
    parts = [
        _text(MARGIN, top + 14, case.title, "title"),
        _text(
            MARGIN, top + 32, f"{column.title}: less is better; {case.about}".rstrip("; "), "quiet"
        ),
    ]
    for number, row in enumerate(rows):
        parts += _bar(row, column, most, top + HEAD + LINE * number)
    return parts


def _bar(row: Row, column: Column, most: float, top: int) -> list[str]:
    spread = row.spread(column.key)
    scale = (WIDTH - 2 * MARGIN - NAMES - FIGURES) / most
    left = MARGIN + NAMES
    long = max(spread.median, 0.0) * scale
    middle = top + LINE / 2 - 2
    parts = [
        _text(MARGIN, middle + 5, row.name, ""),
        f'<rect class="{"ours" if row.peer == OURS else "peer"}" x="{left}" y="{top + 2}" width="{long:.1f}" height="{LINE - 8}" rx="2"/>',
    ]
    if spread.rounds > 1:
        ends = [left + max(each, 0.0) * scale for each in (spread.least, spread.most)]
        parts.append(
            f'<path class="spread" d="M{ends[0]:.1f} {middle}H{ends[1]:.1f}M{ends[0]:.1f} {middle - 4}v8M{ends[1]:.1f} {middle - 4}v8"/>'
        )
    figures = f"{spread.median:,.{column.digits}f}"
    if spread.rounds > 1:
        figures += f"  ({spread.least:,.{column.digits}f}–{spread.most:,.{column.digits}f})"
    end = left + max(spread.median, spread.most, 0.0) * scale + 8
    parts.append(_text(end, middle + 5, figures, "quiet"))
    return parts


def _text(x: float, y: float, text: str, kind: str) -> str:
    marked = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{marked}>{escape(text)}</text>'
