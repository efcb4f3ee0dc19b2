"""What one comparison costs: CPU of the comparer's own ``judge`` on real answers of the shop, with the demo's rules on.

JSON of about 0.2, 1.4 and 14 KB and a page of about 30 KB, as the comparer gets them: two recorded answers, bodies as bytes. Each
pair is compared with the same bytes, with the same meaning in other bytes, and with one value changed. Beside it DeepDiff, the
library that Python programs compare trees with, on the same JSON texts, if `$BENCH_PEERS/bin/python` has it; it is
given less to do: no status, no headers, no rules, and numbers as floats. Both read the texts themselves.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.figures import command, out, show, tell
from benchmarks.peers.peer import FOLDER_VARIABLE
from mutants.answer import HTML, JSON, Recorded
from mutants.recording import record
from planted.shops import TwoShops
from stack import SeededData

from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.verdict import Verdict

SIZES = (200, 1_400, 14_000)  # bytes of JSON
PAGE = 30_000
ROUNDS, ROUND_S = 9, 0.05

_DEEPDIFF = """
import json, sys, time
from deepdiff import DeepDiff
took = []
for ours, theirs in json.load(sys.stdin):
    best = 1e9
    for _ in range(int(sys.argv[1])):
        began, pairs = time.process_time(), 0
        while time.process_time() - began < float(sys.argv[2]):
            DeepDiff(json.loads(ours), json.loads(theirs))
            pairs += 1
        best = min(best, (time.process_time() - began) / pairs)
    took.append(best * 1e6)
json.dump(took, sys.stdout)
"""


@dataclass(frozen=True)
class Pair:
    """One body as both sides sent it."""

    kind: str
    what: str
    control: RecordedResponse
    candidate: RecordedResponse
    verdict: Verdict

    @property
    def size_kb(self) -> float:
        """Of the control's body, unpacked."""
        return len(Recorded("", self.control).text.encode()) / 1000


def pairs_of(answers: list[Recorded]) -> list[Pair]:
    """The pairs that are measured."""
    found = []
    for kind, sizes in ((JSON, SIZES), (HTML, (PAGE,))):
        known = [each for each in answers if each.kind == kind and each.response.status == 200]
        for size in sizes:
            nearest = min(known, key=lambda each: abs(len(each.text.encode()) - size))
            found += _variants(kind, nearest)
    return found


def _variants(kind: str, recorded: Recorded) -> list[Pair]:
    text = recorded.text
    other = _written_otherwise(text) if kind == JSON else text.replace("\n", "\n ")
    changed = _changed(json.loads(text)) if kind == JSON else _changed_page(text)
    plain = _plain(recorded.response, text)
    return [
        Pair(kind, "same bytes", plain, plain, Verdict.EQUAL),
        Pair(kind, "same meaning", plain, _plain(plain, other), Verdict.EQUAL),
        Pair(kind, "one value differs", plain, _plain(plain, changed), Verdict.DIFFERENT),
    ]


def _written_otherwise(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True, indent=1)


def _changed(tree: Any) -> str:
    """The last text in it is another one."""
    place, key = _last_text(tree)
    place[key] += "x"
    return json.dumps(tree)


def _last_text(tree: Any) -> tuple[Any, Any]:
    keys = list(tree if isinstance(tree, dict) else range(len(tree)))
    for key in reversed(keys):
        if isinstance(tree[key], str):
            return tree, key
        if isinstance(tree[key], dict | list) and tree[key]:
            return _last_text(tree[key])
    raise SystemExit("no text in the answer")


def _changed_page(text: str) -> str:
    head, heading, rest = text.rpartition("</h2>")
    return f"{head}x{heading}{rest}"


def _plain(answer: RecordedResponse, text: str) -> RecordedResponse:
    headers = tuple(each for each in answer.headers if each[0].lower() != b"content-encoding")
    return replace(answer, headers=headers, body=text.encode())


def best_us(work: Callable[[], object]) -> float:
    """Microseconds of CPU, of the best of several rounds."""
    work()
    best = float("inf")
    for _ in range(ROUNDS):
        began, count = time.process_time(), 0
        while time.process_time() - began < ROUND_S:
            work()
            count += 1
        best = min(best, (time.process_time() - began) / count)
    return best * 1e6


def deepdiff_us(pairs: list[Pair]) -> list[float] | None:
    """The same by DeepDiff; None where it is not there."""
    python = Path(os.environ.get(FOLDER_VARIABLE, "")) / "bin" / "python"
    texts = [[each.body.decode() for each in (pair.control, pair.candidate)] for pair in pairs]
    if not python.exists():
        return None
    done = subprocess.run(
        [str(python), "-c", _DEEPDIFF, str(ROUNDS), str(ROUND_S)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def main() -> int:
    wanted = command(__doc__ or "").parse_args()
    with tempfile.TemporaryDirectory(prefix="fig-comparison-") as place:
        data = SeededData.make(Path(place) / "seeded")
        with TwoShops.started(Path(place) / "shops", data) as shops:
            pairs = pairs_of([each.recorded for each in record(shops)])
            took = []
            for pair in pairs:
                verdict = shops.judge((pair.control, pair.candidate)).verdict
                if verdict is not pair.verdict:
                    raise SystemExit(f"{pair.kind}, {pair.what}: {verdict}")
                took.append(best_us(lambda: shops.judge((pair.control, pair.candidate))))  # noqa: B023
    json_pairs = [pair for pair in pairs if pair.kind == JSON]
    others = deepdiff_us(json_pairs)
    beside = (
        [*others, *([None] * (len(pairs) - len(json_pairs)))] if others else [None] * len(pairs)
    )
    show(
        "One comparison",
        ("", "KB", "CPU µs", "DeepDiff µs", "× ours"),
        [
            (
                f"{pair.kind}, {pair.what}",
                f"{pair.size_kb:.1f}",
                f"{ours:.0f}",
                f"{theirs:,.0f}" if theirs else "–",
                f"{theirs / ours:.0f}" if theirs else "–",
            )
            for pair, ours, theirs in zip(pairs, took, beside, strict=True)
        ],
    )
    if not others:
        out.print(f"DeepDiff is not installed where {FOLDER_VARIABLE} points to: not measured.")
    rows = [
        {"kind": p.kind, "what": p.what, "kb": p.size_kb, "cpu_us": ours, "deepdiff_us": theirs}
        for p, ours, theirs in zip(pairs, took, beside, strict=True)
    ]
    tell({"pairs": rows}, as_json=wanted.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
