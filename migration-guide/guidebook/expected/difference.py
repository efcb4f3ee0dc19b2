"""Shown and got side by side, as a diff: `` `` fits, ``-`` is shown only, ``+`` came only."""

from collections.abc import Sequence
from dataclasses import replace

from guidebook.expected.compare import Shown

_MOST_LINES = 200  # of each side; who has more to compare has a page to mend first
_CONTEXT = 3


def difference(shown: Shown, got: Sequence[str]) -> list[str]:
    """The lines of the diff, long stretches that fit left out."""
    wanted = shown.lines[:_MOST_LINES]
    came = list(got[:_MOST_LINES])
    lines = _fold(_align(replace(shown, lines=wanted), came))
    if (more := len(got) - len(came)) > 0:
        lines.append(f"  … {more} more lines came")
    if (more := len(shown.lines) - len(wanted)) > 0:
        lines.append(f"  … {more} more lines are shown")
    return lines


def _align(shown: Shown, got: Sequence[str]) -> list[str]:
    """Pair the lines by the longest common subsequence; a placeholder pairs with whatever it allows."""
    rows, columns = len(shown.lines), len(got)
    equal = []
    for row in range(rows):
        read = [shown.read_line(row, line) for line in got]
        equal.append([names is not None for names in read])
        # A name stands for what the first line said that fits.
        shown = shown.knowing(next((names for names in read if names is not None), {}))
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in reversed(range(rows)):
        for column in reversed(range(columns)):
            best[row][column] = (
                best[row + 1][column + 1] + 1
                if equal[row][column]
                else max(best[row + 1][column], best[row][column + 1])
            )
    lines: list[str] = []
    row = column = 0
    while row < rows or column < columns:
        if row < rows and column < columns and equal[row][column]:
            lines.append(f"  {_visible(got[column])}")
            row, column = row + 1, column + 1
        elif row < rows and (column == columns or best[row + 1][column] >= best[row][column + 1]):
            lines.append(f"- {_visible(shown.lines[row])}")
            row += 1
        else:
            lines.append(f"+ {_visible(got[column])}")
            column += 1
    return lines


def _fold(lines: list[str]) -> list[str]:
    near = {
        place
        for at, line in enumerate(lines)
        if not line.startswith(" ")
        for place in range(at - _CONTEXT, at + _CONTEXT + 1)
    }
    kept: list[str] = []
    skipped = 0
    for place, line in enumerate(lines):
        if place in near:
            if skipped:
                kept.append(f"  … {skipped} lines that fit")
                skipped = 0
            kept.append(line)
        else:
            skipped += 1
    if skipped and kept:
        kept.append(f"  … {skipped} lines that fit")
    return kept


def _visible(line: str) -> str:
    """A line in which nothing moves the cursor, and nothing hides."""
    return "".join(sign if sign.isprintable() or sign == " " else repr(sign)[1:-1] for sign in line)
