"""The command: start the shop, record it, and print the score of each operator."""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from planted.shops import RULES_FILE, TwoShops, all_rules
from stack import SeededData

from mutants import __doc__ as what
from mutants.answer import Recorded
from mutants.recording import record
from mutants.score import Mutant, Row, score, total


def _table(rows: Sequence[Row]) -> str:
    lines = [f"{'operator':<34} {'mutants':>7} {'found':>6} {'score':>7}  what hid the rest"]
    for name, row in [*((str(row.operator), row) for row in rows), ("all", total(rows))]:
        if not row.mutants:
            lines.append(f"{name:<34} {0:>7}")
            continue
        hidden = ", ".join(f"{why} ({count})" for why, count in row.hidden.most_common())
        lines.append(
            f"{name:<34} {row.mutants:>7} {row.found:>6} {row.share:>7.1%}  {hidden}".rstrip()
        )
    return "\n".join(lines)


def _as_dict(rows: Sequence[Row]) -> dict[str, object]:
    whole = total(rows)
    return {
        "mutants": whole.mutants,
        "found": whole.found,
        "hidden_by": dict(whole.hidden),
        "operators": [
            {
                "operator": str(row.operator),
                "mutants": row.mutants,
                "found": row.found,
                "hidden_by": dict(row.hidden),
            }
            for row in rows
        ],
    }


def _shown(mutant: Mutant) -> str:
    """Where a survivor differs from its original, for a person who looks for the reason."""
    original, mutated = mutant.original, mutant.mutated
    lines = [f"\n{mutant.operator}: {original.asked}"]
    ours, theirs = Counter(original.response.headers), Counter(mutated.headers)
    lines += [f"  - {line!r}" for line in (ours - theirs).elements()]
    lines += [f"  + {line!r}" for line in (theirs - ours).elements()]
    if original.response.body != mutated.body:
        text = Recorded(original.asked, mutated).text
        begin = next(
            (at for at, (a, b) in enumerate(zip(original.text, text, strict=False)) if a != b), 0
        )
        lines += [
            f"  {mark} …{t[max(begin - 40, 0) : begin + 60]!r}…"
            for mark, t in (("-", original.text), ("+", text))
        ]
    return "\n".join(lines)


def main() -> None:
    """Print the table, or everything as JSON."""
    parser = argparse.ArgumentParser(
        prog="mutants", description=what, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--each", type=int, default=100, metavar="N", help="mutants of each operator (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of chance (%(default)s)")
    parser.add_argument(
        "--rules",
        type=Path,
        default=RULES_FILE,
        metavar="FILE",
        help="whose rules are tried, all of them everywhere (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--survivors", action="store_true", help="show what was not found")
    asked = parser.parse_args()
    rules = all_rules(asked.rules)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = SeededData.make(folder / "seeded")
        with TwoShops.started(folder, data) as shops:
            answers = [each.recorded for each in record(shops)]
            rows = score(
                answers, partial(shops.judge, rules=rules), each=asked.each, seed=asked.seed
            )
    print(json.dumps(_as_dict(rows), indent=2) if asked.json else _table(rows))  # noqa: T201
    if asked.survivors:
        for row in rows:
            for mutant in row.survivors:
                print(_shown(mutant))  # noqa: T201


if __name__ == "__main__":
    main()
