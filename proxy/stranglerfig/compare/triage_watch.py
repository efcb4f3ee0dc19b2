"""The comparer's part in decisions: it writes down which fixed difference came back, and counts what an expected one is missed in.

It looks at ``triage.jsonl`` before each comparison is settled (one ``stat``), so a decision holds from the next one on.
What cannot be read or written is logged and costs nobody a verdict: readers see by the store alone that a fixed
difference was seen again, only not in which generation.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.observation import Observation
from stranglerfig.compare.rules import RouteRules
from stranglerfig.compare.schema import shapes_of
from stranglerfig.compare.triage import History, Reopening, Signature, State, watch_name
from stranglerfig.compare.triage_file import TRIAGE_NAME, append_reopening, read_histories
from stranglerfig.counters import CounterBlock, names

log = structlog.get_logger(__name__)

_ANY: Final = Shape("any")


class TriageWatch:
    """Holds what was decided last against what is seen."""

    def __init__(self, state_dir: Path, counters: CounterBlock) -> None:
        self._state_dir = state_dir
        self._counters = counters
        self._read_at: tuple[int, int, int] | None = None
        self._histories: dict[Signature, History] = {}
        self._expected: dict[tuple[str, str], list[tuple[Signature, int]]] = {}

    def see(self, seen: Observation, differences: Iterable[Difference], rules: RouteRules) -> None:
        """Take note of one comparison. What rules cover is in their hands."""
        self._refresh()
        if not self._histories:
            return
        found = {_signature(seen, difference) for difference in differences}
        for signature in found & self._histories.keys():
            history = self._histories[signature]
            if history.awaits(seen.started_at):
                self._reopen(signature, history, seen)
        for signature, cell in self._expected.get((seen.capability, seen.route), ()):
            if signature in found:
                self._counters.set(cell, 0)
            elif not _is_covered(signature, rules):
                self._counters.add(cell)

    def _reopen(self, signature: Signature, history: History, seen: Observation) -> None:
        reopening = Reopening(seen.started_at, seen.generation, seen.request_id)
        try:
            append_reopening(self._state_dir, signature, reopening)
        except OSError as error:
            log.warning("reopening_not_written", error=str(error), **signature._asdict())
            return
        history.add(reopening)
        log.warning("difference_came_back", generation=seen.generation, **signature._asdict())

    def _refresh(self) -> None:
        """Read the file again if it is another one, or another length, than it was."""
        try:
            stat = (self._state_dir / TRIAGE_NAME).stat()
            now = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if now == self._read_at:
                return
            self._histories = read_histories(self._state_dir)
            self._read_at = now
        except FileNotFoundError:
            self._histories, self._read_at = {}, None
        except OSError as error:
            log.warning("triage_not_read", error=str(error))
            return
        self._expected = {}
        for signature, history in self._histories.items():
            if history.mark is not None and history.mark.state is State.EXPECTED:
                cell = self._counters.cell(
                    names.EXPECTED_UNSEEN,
                    capability=signature.capability,
                    mark=watch_name(signature, history.mark),
                )
                route = (signature.capability, signature.route)
                self._expected.setdefault(route, []).append((signature, cell))


def _signature(seen: Observation, difference: Difference) -> Signature:
    return Signature(
        seen.capability,
        seen.route,
        difference.kind.value,
        difference.where,
        difference.template,
        shapes_of(difference),
    )


def _is_covered(signature: Signature, rules: RouteRules) -> bool:
    try:
        kind = Kind(signature.kind)
    except ValueError:  # of a later version
        return False
    difference = Difference(kind, signature.where, signature.path, signature.path, _ANY, _ANY)
    return rules.ignoring(difference) is not None
