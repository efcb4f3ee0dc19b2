"""``triage.jsonl`` in ``state_dir``: decisions about differences, and the differences that came back after one.

Why a file of its own, and no table of ``compare.db``, no call of the admin API: the store has one writer, the comparer, and
moves aside what it cannot read, while a decision must outlive both. `fig diffs` reads files, and so a person can decide while
no proxy runs. Appending needs no lock: two people at once leave two lines, of which the later one holds and both are
kept with who and why; a kill half-way costs a line that nobody was told of.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stranglerfig import json_lines
from stranglerfig.compare.reading import read_clusters
from stranglerfig.compare.record import Cluster
from stranglerfig.compare.store import STORE_NAME
from stranglerfig.compare.triage import (
    History,
    Mark,
    Reopening,
    Signature,
    State,
    Triaged,
    signature_of,
    watch_name,
)
from stranglerfig.counters import COUNTERS_NAME, Key, names, read_all

TRIAGE_NAME: Final = "triage.jsonl"
_MARK: Final = "mark"
_REOPENED: Final = "reopened"


def append_mark(state_dir: Path, signature: Signature, mark: Mark) -> None:
    """Write a decision down for good. Raises ``OSError``."""
    entry = {
        "event": _MARK,
        "state": mark.state.value,
        "at": mark.at,
        "who": mark.who,
        "why": mark.why,
        "count": mark.count,
        "compared": mark.compared,
        "cluster": signature._asdict(),
    }
    json_lines.append(state_dir / TRIAGE_NAME, entry, is_durable=True)


def append_reopening(state_dir: Path, signature: Signature, reopening: Reopening) -> None:
    """Write down that a fixed difference was seen again. Raises ``OSError``."""
    entry = {
        "event": _REOPENED,
        "at": reopening.at,
        "generation": reopening.generation,
        "request_id": reopening.request_id,
        "cluster": signature._asdict(),
    }
    json_lines.append(state_dir / TRIAGE_NAME, entry)


def read_histories(state_dir: Path) -> dict[Signature, History]:
    """What was decided, by signature; what is damaged, or of a later version, is passed over. Raises ``OSError``."""
    histories: dict[Signature, History] = {}
    for entry in json_lines.read(state_dir / TRIAGE_NAME):
        try:
            signature = Signature(**{name: str(text) for name, text in entry["cluster"].items()})
            event = _event_of(entry)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        if event is not None:
            histories.setdefault(signature, History()).add(event)
    return histories


def _event_of(entry: dict[str, Any]) -> Mark | Reopening | None:
    match entry["event"]:
        case "mark":
            return Mark(
                State(entry["state"]), float(entry["at"]), str(entry["who"]), str(entry["why"]),
                int(entry["count"]), int(entry["compared"]),
            )  # fmt: skip
        case "reopened":
            return Reopening(float(entry["at"]), int(entry["generation"]), str(entry["request_id"]))
    return None


def read_triaged(
    state_dir: Path, capability: str | None = None, *, since: float = 0.0, trace: str | None = None
) -> list[Triaged]:
    """The clusters that ``read_clusters`` gives, and how each stands; what is expected and gone where all are asked for.

    Raises ``StoreError`` and ``OSError``.
    """
    clusters = read_clusters(state_dir / STORE_NAME, capability, since=since, trace=trace)
    counts = read_all(state_dir / COUNTERS_NAME)
    return [
        each
        for each in triage(clusters, read_histories(state_dir), counts)
        if each.cluster.id
        or (not since and trace is None and capability in (None, each.cluster.capability))
    ]


def triage(
    clusters: list[Cluster], histories: Mapping[Signature, History], counts: Mapping[Key, int]
) -> list[Triaged]:
    """How each cluster stands; then what is expected and no store has, since it must occur all the same."""
    known = {signature_of(cluster): cluster for cluster in clusters}
    unseen = {
        dict(labels)["mark"]: count
        for (name, labels), count in counts.items()
        if name == names.EXPECTED_UNSEEN
    }

    def one(signature: Signature, cluster: Cluster) -> Triaged:
        history = histories.get(signature, History())
        mark = history.mark
        waited = unseen.get(watch_name(signature, mark), 0) if mark is not None else 0
        return Triaged(cluster, history, waited)

    found = [one(signature, cluster) for signature, cluster in known.items()]
    for signature, history in histories.items():
        mark = history.mark
        if signature not in known and mark is not None and mark.state is State.EXPECTED:
            capability, route, kind, where, path, shapes = signature
            gone = Cluster(0, capability, route, kind, where, path, 0, mark.at, mark.at, shapes)
            found.append(one(signature, gone))
    return found
