"""Measured noise as people read it: where the control differs from itself, what that excuses, and what it does not."""

from typing import Any, Final

from rich.markup import escape

from stranglerfig.cli.output import ExitCode, fail, iso_time, out
from stranglerfig.cli.place import Place
from stranglerfig.compare.evidence_rows import NoiseRow, R
from stranglerfig.compare.evidence_store import read_rows
from stranglerfig.compare.pairing import ENOUGH
from stranglerfig.compare.reading import StoreError

_SHOWN: Final = 10


def read_evidence(place: Place, kind: type[R], capability: str | None) -> list[R]:
    """Rows of the measures. Ends the command when they cannot be read."""
    try:
        rows = read_rows(place.state_dir, kind)
    except StoreError as error:
        fail(str(error), code=ExitCode.NO)
    return [row for row in rows if capability in (None, row.capability)]


def noise_of(place: Place, capability: str | None) -> list[NoiseRow]:
    """Where the control was seen to differ from itself, the most often first."""
    rows = [row for row in read_evidence(place, NoiseRow, capability) if row.count.own]
    return sorted(rows, key=lambda row: (-row.count.own, row.capability, row.route, row.where))


def lag_of_places(place: Place, capability: str | None) -> list[NoiseRow]:
    """Where differences healed, the most often first."""
    rows = [row for row in read_evidence(place, NoiseRow, capability) if row.healed]
    return sorted(rows, key=lambda row: (-row.healed, row.capability, row.route, row.where))


def print_lag(rows: list[NoiseRow]) -> None:
    """Print where what differed healed: a service that is wrong now and then looks like this as well."""
    if not rows:
        return
    out.print("\n[bold]Lag: where what differed healed when both sides were asked again[/]")
    for row in rows[:_SHOWN]:
        place = escape(f"{row.place} {row.path}".rstrip())
        out.print(f"{row.healed:>5,}  {row.kind:<9}  {place}")
        out.print(f"       [dim]{escape(row.route)}[/]")
    if len(rows) > _SHOWN:
        out.print(f"… and {len(rows) - _SHOWN:,} more: --json has all")


def lag_dict(row: NoiseRow) -> dict[str, Any]:
    """One place of lag for ``--json``."""
    return {
        "capability": row.capability,
        "route": row.route,
        "kind": row.kind,
        "where": row.place,
        "path": row.path,
        "healed": row.healed,
        "last_seen": iso_time(row.last_seen),
    }


def print_noise(rows: list[NoiseRow]) -> None:
    """Print what is noisy; nothing where nothing is."""
    if not rows:
        return
    out.print("\n[bold]Noise: where the monolith differs from itself when it is asked again[/]")
    out.print("[dim]b: only the service differed; c: only the monolith's second answer[/]")
    out.print(f"[bold]{'b':>5}  {'c':>5}  {'both':>5}  {'p':>6}  {'kind':<9}  where[/]")
    indent = " " * 7
    for row in rows[:_SHOWN]:
        count = row.count
        place = escape(f"{row.place} {row.path}".rstrip())
        out.print(
            f"{count.b:>5,}  {count.c:>5,}  {count.both:>5,}  {_p(count.p):>6}  {row.kind:<9}  {place}"
        )
        for line in (row.route, *_told(row)):
            out.print(f"{indent}[dim]{escape(line)}[/]")
    if len(rows) > _SHOWN:
        out.print(f"… and {len(rows) - _SHOWN:,} more: --json has all")


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def standing_of(row: NoiseRow) -> str:
    """What is to be said of a place in a word or two."""
    if row.count.is_worse:
        return "candidate worse"
    if row.excused:
        return "noisy"
    if row.refusal:
        return "refused"
    return "noisy" if row.count.is_noisy else "not enough"


def _told(row: NoiseRow) -> list[str]:
    lines = []
    if row.excused:
        what = f"a {row.format}" if row.format not in ("", "text") else "the value"
        lines.append(f"excused {row.excused:,} times: {what}, never that it is there or its form")
    if row.refused:
        lines.append(f"refused {row.refused:,} times: {row.refusal}")
    if not row.excused and not row.refused and not row.count.is_noisy:
        lines.append(f"not enough to excuse anything: {row.count.own} of {ENOUGH}")
    if row.excused and not row.count.has_power:
        lines.append("it always differs, so a wrong one would not be seen: fix it where it is")
        lines.append("made, or vouch for it by a rule (action: ignore, kinds: [value])")
    return lines


def noise_dict(row: NoiseRow) -> dict[str, Any]:
    """One noisy place for ``--json``."""
    count = row.count
    return {
        "capability": row.capability,
        "route": row.route,
        "kind": row.kind,
        "where": row.place,
        "path": row.path,
        "b": count.b,
        "c": count.c,
        "both": count.both,
        "p": count.p,
        "e": count.e,
        "standing": standing_of(row),
        "has_power": count.has_power,
        "format": row.format,
        "excused": row.excused,
        "refused": row.refused,
        "refusal": row.refusal or None,
        "first_seen": iso_time(row.first_seen),
        "last_seen": iso_time(row.last_seen),
        "rule": _rule(row) if row.excused and not count.has_power else None,
    }


def _rule(row: NoiseRow) -> dict[str, Any]:
    """A rule to start from, for what no test can tell."""
    return {
        "action": "ignore",
        "capability": row.capability,
        "route": row.route,
        "where": row.place,
        "path": row.path or None,
        "kinds": [row.kind],
    }
