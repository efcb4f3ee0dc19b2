"""A run in tables: on the terminal, in Markdown for docs/proof, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import out
from benchmarks.peers import OURS
from benchmarks.proxies.cases import Case, Column
from benchmarks.proxies.goals import GOALS, Goal
from benchmarks.proxies.run import Result, Row
from benchmarks.proxies.spread import Spread, paired_ratio
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Section:
    """One case in words."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def sections(cases: Sequence[Case], result: Result, *, brief: bool = False) -> Iterator[Section]:
    """A table for each case that has figures, and one for the goals. ``brief``: what was seen around a median stands
    in the first column alone, so that a terminal has room."""
    for case in cases:
        rows = result.rows.get(case.name, [])
        if rows:
            title = f"{case.name}: {case.title}" + (f" ({case.about})" if case.about else "")
            titles = [column.title for column in case.columns]
            columns = ["", *titles, f"× {case.baseline or 'ours'}"]
            yield Section(title, columns, [_cells(case, row, rows, brief) for row in rows])
    goals = [[goal.text, *_verdict(result.rows, goal)] for goal in GOALS]
    if any(verdict != "not measured" for *_, verdict in goals):
        yield Section("Goals: the median decides", ["", "measured", "goal", ""], goals)


def _verdict(rows: Mapping[str, Sequence[Row]], goal: Goal) -> list[str]:
    shown, verdict = goal.verdict(rows)
    return [shown, f"{'≥' if goal.at_least else '≤'} {goal.bound:g}", verdict]


def _base(case: Case, row: Row, rows: Sequence[Row]) -> Row | None:
    """What a row is compared with: the same proxy in the variant that the case names, else ours."""
    wanted = (row.peer, case.baseline) if case.baseline else (OURS, "")
    return next((each for each in rows if (each.peer, each.variant) == wanted), None)


def _cells(case: Case, row: Row, rows: Sequence[Row], brief: bool) -> list[str]:
    cells = [row.name]
    for column in case.columns:
        spread = row.spread(column.key)
        whole = not brief or column is case.columns[0]
        cells.append(shown(spread, column) if whole else f"{spread.median:,.{column.digits}f}")
    beside = _base(case, row, rows)
    return [*cells, _times(row, beside, case.columns[0].key) if beside else "–"]


def _times(row: Row, beside: Row, key: str) -> str:
    try:
        return f"{paired_ratio(row.figures[key], beside.figures[key]).median:.2f}"
    except ValueError:
        return "–"


def shown(spread: Spread, column: Column) -> str:
    """The median, and what was seen around it."""
    median, least, most = (f"{each:,.{column.digits}f}" for each in spread[:3])
    return median if spread.rounds == 1 or least == most else f"{median} ({least}–{most})"


def print_tables(cases: Sequence[Case], result: Result) -> None:
    """On the terminal."""
    for section in sections(cases, result, brief=True):
        table = Table(title=section.title, title_justify="left", box=None)
        for place, column in enumerate(section.columns):
            table.add_column(column, justify="right" if place else "left")
        for row in section.rows:
            table.add_row(*row)
        out.print()
        out.print(table)


def markdown(
    cases: Sequence[Case], result: Result, about: Mapping[str, str], peers: Sequence[Sequence[str]]
) -> str:
    """A page for docs/proof."""
    lines = [f"- {name}: {value}" for name, value in about.items()]
    lines += ["", *_markdown_table(["", "version", "what of the job it does not do"], peers)]
    for section in sections(cases, result):
        lines += ["", f"## {section.title}", "", *_markdown_table(section.columns, section.rows)]
    for title, texts in (("Not measured", result.not_measured), ("Failed", result.failed)):
        if texts:
            lines += ["", f"## {title}", "", *(f"- {' '.join(text.split())}" for text in texts)]
    return "\n".join([*lines, ""])


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    right = ["---", *("--:" for _ in columns[1:])]
    return [line(columns), line(right), *(line(row) for row in rows)]


def as_json(
    cases: Sequence[Case], result: Result, about: Mapping[str, str], peers: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Every figure of every round."""
    return {
        "about": dict(about),
        "peers": [{"name": name, "version": version, "cannot": cannot} for name, version, cannot in peers],
        "cases": {
            case.name: {
                "title": case.title,
                "rows": [
                    {"peer": row.peer, "variant": row.variant, "rounds": row.figures}
                    for row in result.rows.get(case.name, [])
                ],
            }
            for case in cases
        },
        "goals": [
            {"goal": goal.text, "bound": goal.bound, "measured": shown, "verdict": verdict}
            for goal in GOALS
            for shown, verdict in [goal.verdict(result.rows)]
        ],
        "not_measured": result.not_measured,
        "failed": result.failed,
    }  # fmt: skip
