"""What the command prints: findings as text, routes as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from chassis.ops.doctor.finding import Finding, Level
from chassis.ops.doctor.routes.asking import Compared
from chassis.ops.doctor.routes.listing import wrapped
from chassis.ops.doctor.routes.verdict import Verdict, Word

_INDENT = " " * 9


def findings_as_text(found: Sequence[Finding], *, was_asked: bool) -> str:
    """A line for what is well, some more for what is not; the counts at the end."""
    lines: list[str] = []
    for finding in found:
        lines += wrapped(f"{finding.level:<8} {finding.check}: {finding.what}", "", _INDENT)
        if finding.level is not Level.OK:
            lines += wrapped(f"where: {finding.where}", _INDENT) if finding.where else []
            lines += wrapped(f"mend: {finding.mend}", _INDENT)
    counts = [sum(finding.level is level for finding in found) for level in Level]
    lines += [
        "",
        f"{counts[0]} ok, {_number(counts[1], 'warning')}, {_number(counts[2], 'problem')}",
    ]
    if not was_asked:
        lines.append("No proxy was asked: --fig URL (what fig.yaml calls admin), or FIG_ADMIN_URL.")
    return "\n".join(lines)


def routes_as_json(found: Compared, only: Sequence[Word]) -> dict[str, Any]:
    """Every pattern with every request that was asked for."""
    return {
        "patterns": [
            _pattern(verdict) for verdict in found.verdicts if not only or verdict.word in only
        ],
        "lead_nowhere": [asdict(stray) for stray in found.strays],
        "too_slow": [asdict(slow) for slow in found.slow],
        "counts": {
            word.value: sum(verdict.word is word for verdict in found.verdicts) for word in Word
        },
    }


def _pattern(verdict: Verdict) -> dict[str, Any]:
    entry = verdict.entry
    return {
        "pattern": entry.written,
        "name": entry.name,
        "view": entry.view,
        "methods": list(entry.methods.names),
        "methods_declared": entry.methods.declared,
        "word": verdict.word.value,
        "why": verdict.why or None,
        "untried": verdict.untried or None,
        "requests": [asdict(outcome) for outcome in verdict.outcomes],
    }


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
