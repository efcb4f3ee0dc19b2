"""``fig diffs --coverage``: how sure the comparison is of each kind of request, and what it says nothing about."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import typer
from rich.markup import escape

from stranglerfig.cli.noise import read_evidence
from stranglerfig.cli.output import ExitCode, fail, iso_time, local_time, out, print_json, span
from stranglerfig.cli.place import Place, config_of
from stranglerfig.compare.coverage import (
    Enough,
    StratumEvidence,
    Unknown,
    unknown_fields,
    unknown_routes,
    unknown_statuses,
)
from stranglerfig.compare.evidence_rows import Era, FieldRow, StratumRow
from stranglerfig.counters import COUNTERS_NAME, names, read_all

_FIELDS_SHOWN: Final = 30


@dataclass(frozen=True, slots=True)
class _Coverage:
    """One capability."""

    name: str
    began: float | None
    strata: list[StratumEvidence]
    unknown: list[Unknown]

    @property
    def is_enough(self) -> bool:
        return (
            bool(self.strata)
            and all(each.enough is Enough.YES for each in self.strata)
            and not any(each.what == "route" and each.is_comparable for each in self.unknown)
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "since": None if self.began is None else iso_time(self.began),
            "enough": self.is_enough,
            "strata": [each.to_dict() for each in self.strata],
            "never_compared": [each.to_dict() for each in self.unknown],
        }


def rate_of(text: str) -> float:
    """The rate that ``--within`` gives: ``1%``, ``0.1 %`` or ``0.001``. Ends the command when it is none."""
    words = text.strip()
    try:
        rate = float(words.removesuffix("%")) / (100 if words.endswith("%") else 1)
    except ValueError:
        rate = 0.0
    if not 0.00001 <= rate < 1:  # also refuses NaN
        fail(f"--within: {text!r} is no rate", mend="write 1%, 0.1% or 0.001; the least is 0.001%")
    return rate


def show_coverage(place: Place, capability: str | None, within: str, *, as_json: bool) -> None:
    """Print the coverage of each capability, and end with 1 where there is not enough."""
    rate = rate_of(within)
    found = _coverage(place, capability, rate)
    if as_json:
        print_json({"wanted": rate, "capabilities": {each.name: each.to_dict() for each in found}})
    else:
        for each in found:
            _print(each, rate)
        if not found:
            out.print("Nothing is known: no capability is in fig.yaml, and nothing was compared.")
    if not found or not all(each.is_enough for each in found):
        raise typer.Exit(ExitCode.NO)


def _coverage(place: Place, capability: str | None, rate: float) -> list[_Coverage]:
    now = time.time()
    eras = {row.capability: row.began for row in read_evidence(place, Era, capability)}
    rows = read_evidence(place, StratumRow, capability)
    fields = read_evidence(place, FieldRow, capability)
    answered = _answered(place)
    config = config_of(place)
    known = {} if config is None else config.capabilities
    found = []
    for name in sorted({*known, *(row.capability for row in rows)}):
        if capability not in (None, name):
            continue
        own = sorted((row for row in rows if row.capability == name), key=lambda row: row.stratum)
        routes = unknown_routes(known[name], own) if name in known else []
        unknown = [
            *routes,
            *unknown_statuses(answered.get(name, Counter()), own),
            *unknown_fields(row for row in fields if row.capability == name),
        ]
        strata = [StratumEvidence(row, rate, now) for row in own]
        found.append(_Coverage(name, eras.get(name), strata, unknown))
    return found


def _answered(place: Place) -> dict[str, Counter[str]]:
    """How many answers users had, by capability and status class."""
    found: dict[str, Counter[str]] = {}
    for (name, labels), count in read_all(place.state_dir / COUNTERS_NAME).items():
        label = dict(labels)
        if name == names.REQUESTS and label.get("stage") != "monolith":
            found.setdefault(label["capability"], Counter())[label["status"]] += count
    return found


def _print(coverage: _Coverage, rate: float) -> None:
    since = f"  evidence since {local_time(coverage.began)}" if coverage.began else ""
    out.print(f"[bold]{escape(coverage.name)}[/]{since}")
    if coverage.strata:
        out.print(
            f"[bold]{'trials':>8}  {'users':>6}  {'differ':>6}  {'below':>7}  kind of request[/]"
        )
    else:
        out.print("  unknown: nothing was compared since then")
    for each in coverage.strata:
        row = each.row
        style = {"enough": "green", "not enough": "yellow"}.get(each.enough.value, "red")
        out.print(
            f"{row.trials:>8,}  {row.users or '–':>6}  {row.events:>6,}  [{style}]{_percent(each.bound):>7}[/]  {escape(row.route)}"
        )
        indent = " " * 10
        kind = f"{row.method} · {row.status} · {row.signed_in}"
        if row.compared > row.trials:
            kind += f" · of {row.compared:,} compared"
        out.print(f"{indent}[dim]{kind}[/]")
        if each.enough is not Enough.YES:
            out.print(f"{indent}{_missing(each, rate)}")
    fields = [each for each in coverage.unknown if each.what == "field"]
    shown = [*(each for each in coverage.unknown if each.what != "field"), *fields[:_FIELDS_SHOWN]]
    if shown:
        out.print("  [bold]never compared[/]")
    for unknown in shown:
        out.print(f"  {unknown.what:<6}  {escape(unknown.name)}")
        route = f"{unknown.route}: " if unknown.route else ""
        out.print(f"          [dim]{escape(route + unknown.why)}[/]")
    if len(fields) > _FIELDS_SHOWN:
        out.print(f"  … and {len(fields) - _FIELDS_SHOWN:,} more fields: --json has all")


def _missing(each: StratumEvidence, rate: float) -> str:
    if each.needed is None:
        return (
            f"[red]{each.row.events:,} of {each.row.trials:,} differ: not below {_percent(rate)}[/]"
        )
    wait = "" if each.wait_s is None else f", about {span(each.wait_s)} at this traffic"
    return f"not enough: {each.row.trials:,} of {each.needed:,}{wait}"


def _percent(rate: float) -> str:
    return f"{100 * rate:.3g} %"
