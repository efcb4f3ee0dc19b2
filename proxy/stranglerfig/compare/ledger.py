"""The comparer's half of the account: every observation ends in exactly one outcome, whatever is killed when.

``teed = equal + different + ignored + lag + noise + no_answer + skipped(reason) + lost(process) + waiting``.

``received`` holds, per capability and worker slot, the last sequence number read. It is raised before anything else is
counted, so that after a kill what is received and has no outcome is exactly what this process had in its hands: it is
counted ``lost`` when the process starts again. A gap between two numbers is what never came out of the pipe. A number
that was already received is a repetition and is dropped.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Set
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

import structlog

from stranglerfig.compare.verdict import Verdict
from stranglerfig.compare.wire import Hello
from stranglerfig.counters import CounterBlock, names
from stranglerfig.counters.block import CELLS_SUFFIX, read_block
from stranglerfig.counters.histogram import Histogram

log = structlog.get_logger(__name__)

NO_ANSWER: Final = "no_answer"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_WORKER: Final = "worker-"  # how the blocks of worker slots are called


class Skip(StrEnum):
    """Why the comparer did not judge an observation (besides what ``NotComparableError`` names)."""

    BUSY = "comparer_busy"  # as many as allowed wait for this upstream already
    STALE = "stale"  # it waited so long that the data may have changed since
    UNSAFE = "unsafe"  # asking again could change something
    NO_UPSTREAM = "no_upstream"  # the other side is no longer in the config
    SAME_UPSTREAM = "same_upstream"  # both sides are one server: nothing would be compared
    TOO_LARGE = "other_body_too_large"
    STOPPED = "comparer_stopped"
    ERROR = "comparer_error"  # our own mistake; logged


class Lost(StrEnum):
    """Which process lost an observation."""

    COMPARER = "comparer"
    WORKER = "worker"
    PIPE = "pipe"  # the connection broke, mostly since the comparer ended with it unread


class Ledger:
    """Counts outcomes in the comparer's block."""

    def __init__(self, counters: CounterBlock) -> None:
        self._counters = counters
        self._offsets: dict[tuple[int, str], int] = {}
        self._lags: dict[str, Histogram] = {}
        self._settle()

    def hello(self, hello: Hello) -> None:
        """A worker connects: what it had sent before and never came is lost."""
        process = Lost.WORKER if hello.fresh else Lost.PIPE
        for capability, teed in hello.teed:
            cell = self._received(hello.slot, capability)
            received = self._counters.get(cell)
            number = teed + self._offsets.get((hello.slot, capability), 0)
            if number < received:
                # The worker's counters were removed and start anew; ours go on from where they are.
                self._offsets[hello.slot, capability] = received - teed
                log.warning("worker_counters_were_reset", slot=hello.slot, capability=capability)
            self._give_up(cell, capability, number - received, process)

    def settle_absent(self, counters_dir: Path, present: Set[int]) -> None:
        """Give up what slots without a connection had sent: a worker that nobody replaced says no hello."""
        for path in counters_dir.glob(f"{_WORKER}*{CELLS_SUFFIX}"):
            number = path.name.removeprefix(_WORKER).removesuffix(CELLS_SUFFIX)
            if not number.isdecimal() or int(number) in present:
                continue
            for (name, labels), teed in read_block(path).items():
                if name == names.TEED:
                    capability = dict(labels)["capability"]
                    cell = self._received(int(number), capability)
                    self._give_up(cell, capability, teed - self._counters.get(cell), Lost.WORKER)

    def receive(self, slot: int, capability: str, sequence: int) -> bool:
        """Count an observation as read; false for one that was already."""
        cell = self._received(slot, capability)
        received = self._counters.get(cell)
        number = sequence + self._offsets.get((slot, capability), 0)
        if number <= received:
            log.warning("observation_repeated", slot=slot, capability=capability, number=number)
            return False
        self._give_up(cell, capability, number - received - 1, Lost.PIPE)
        self._counters.add(cell)
        return True

    def judged(
        self,
        capability: str,
        verdict: Verdict,
        hits: Mapping[str, int],
        held: Mapping[str, str] = _NONE,
    ) -> None:
        """Count a verdict, and the rules that it rests on; ``held`` says of all that held what each covers."""
        for rule, covers in held.items():
            self._use_rule(rule in hits, capability=capability, rule=rule, covers=covers)
        for rule, count in hits.items():
            cell = self._counters.cell(names.RULE_HITS, capability=capability, rule=rule)
            self._counters.add(cell, count)
        self._result(capability, verdict.value)

    def _use_rule(self, is_met: bool, **labels: str) -> None:
        if is_met:  # first: killed in between, a rule must not look as if it were of no use
            cell = self._counters.cell(names.RULE_MET_AT, **labels)
            self._counters.set(cell, int(time.time()))
            self._add(names.RULE_MET, **labels)
        self._add(names.RULE_HELD, **labels)

    def no_answer(self, capability: str, reason: str) -> None:
        """Count that the other side gave no whole answer, and how."""
        self._add(names.NO_ANSWER, capability=capability, reason=reason)
        self._result(capability, NO_ANSWER)

    def skipped(self, capability: str, reason: str) -> None:
        """Count that an observation was not judged, and why."""
        self._add(names.SKIPPED, capability=capability, reason=reason)

    def asked_again(self, capability: str, side: str) -> None:
        """Count one question that is asked once more; a side is ``monolith`` or ``service``."""
        self._add(names.ASKED_AGAIN, capability=capability, side=side)

    def unsettled(self, capability: str, reason: str) -> None:
        """Count a difference that could not be asked again to the end."""
        self._add(names.UNSETTLED, capability=capability, reason=reason)

    def healed(self, capability: str, cause: str, delay_s: float) -> None:
        """Count what moved of a difference that is lag, and how long that took; its verdict is counted after it."""
        histogram = self._lags.get(capability)
        if histogram is None:
            histogram = Histogram(self._counters, names.LAG, capability=capability)
            self._lags[capability] = histogram
        histogram.observe(delay_s)
        self._add(names.LAG_CAUSES, capability=capability, cause=cause)

    def not_stored(self) -> None:
        """Count differences that are counted and whose evidence could not be kept."""
        self._add(names.STORE_ERRORS)

    def _settle(self) -> None:
        """What a process before this one had received and not judged went with it."""
        waiting: defaultdict[str, int] = defaultdict(int)
        for (name, labels), count in self._counters.counts().items():
            capability = dict(labels).get("capability", "")
            if name == names.RECEIVED:
                waiting[capability] += count
            elif name in (names.RESULTS, names.SKIPPED, names.LOST):
                waiting[capability] -= count
        for capability, count in waiting.items():
            if count > 0:
                log.warning("observations_lost", capability=capability, count=count)
                self._lose(capability, Lost.COMPARER, count)

    def _give_up(self, received: int, capability: str, count: int, process: Lost) -> None:
        if count <= 0:
            return
        log.warning("observations_lost", capability=capability, count=count, process=process.value)
        self._counters.add(received, count)
        self._lose(capability, process, count)

    def _lose(self, capability: str, process: Lost, count: int) -> None:
        cell = self._counters.cell(names.LOST, capability=capability, process=process.value)
        self._counters.add(cell, count)

    def _received(self, slot: int, capability: str) -> int:
        return self._counters.cell(names.RECEIVED, capability=capability, slot=str(slot))

    def _result(self, capability: str, result: str) -> None:
        self._add(names.RESULTS, capability=capability, result=result)

    def _add(self, name: str, **labels: str) -> None:
        self._counters.add(self._counters.cell(name, **labels))
