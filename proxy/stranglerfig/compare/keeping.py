"""Writes down what came of a comparison: evidence first, then the verdict that is counted, so that a kill never hides a difference."""

import contextlib
import random
from collections.abc import Callable
from typing import Final

from stranglerfig.compare.again import Outcome
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.evidence import Evidence
from stranglerfig.compare.fields import fields_of
from stranglerfig.compare.ledger import Ledger
from stranglerfig.compare.observation import Observation
from stranglerfig.compare.record import Exchange
from stranglerfig.compare.redact import redact
from stranglerfig.compare.rounds import Answers
from stranglerfig.compare.rules import RouteRules
from stranglerfig.compare.setup import MONOLITH, Setup
from stranglerfig.compare.store import Store
from stranglerfig.compare.stratum import credentials_of, stratum_of
from stranglerfig.compare.triage_watch import TriageWatch
from stranglerfig.http1.trace_context import trace_id_of

LOOKED_AT_FIRST: Final = 20  # answers of a stratum whose fields are all looked at
LOOKED_AT_LATER: Final = (
    1 / 16
)  # of the rest: reading two trees once more costs as much as comparing them


class Keeper:
    """Knows all books of one comparer."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        triage: TriageWatch,
        evidence: Evidence,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._triage = triage
        self._evidence = evidence
        self._chance = chance

    def keep(self, seen: Observation, setup: Setup, answers: Answers, outcome: Outcome) -> None:
        """Keep what differs, learn from it, and count the one outcome of an observation."""
        judgement = outcome.judgement
        rules = setup.route_rules(seen.capability, seen.route)
        if judgement.differences:
            exchange = _exchange(seen, setup, answers)
            if not self._store.add(exchange, judgement.differences):
                self._ledger.not_stored()
        self._learn(seen, setup, answers, outcome, rules)
        self._triage.see(seen, judgement.differences, rules)
        if outcome.cause is not None:
            self._ledger.healed(seen.capability, outcome.cause, outcome.delay_s)
        self._ledger.judged(seen.capability, judgement.verdict, judgement.hits, rules.covering)

    def _learn(
        self,
        seen: Observation,
        setup: Setup,
        answers: Answers,
        outcome: Outcome,
        rules: RouteRules,
    ) -> None:
        evidence = self._evidence
        stratum = stratum_of(seen, answers[0].status)
        user = credentials_of(seen.request).decode("latin-1")
        if (
            evidence.compared(seen.capability, stratum) < LOOKED_AT_FIRST
            or self._chance() < LOOKED_AT_LATER
        ):
            with contextlib.suppress(NotComparableError):  # too large: compared byte by byte
                evidence.look_at(seen.capability, seen.route, fields_of(*answers, rules))
        evidence.learn(seen.capability, seen.route, outcome)
        evidence.count(
            seen.capability,
            stratum,
            outcome.judgement.verdict,
            setup.shaper.digest(user) if user else None,
        )
        if outcome.rounds or outcome.judgement.differences:
            evidence.flush()


def _exchange(seen: Observation, setup: Setup, answers: Answers) -> Exchange:
    is_control = seen.side == MONOLITH
    control, candidate = answers
    return Exchange(
        request_id=seen.request_id,
        seen_at=seen.started_at,
        capability=seen.capability,
        route=seen.route,
        stage=seen.stage,
        answered_side=seen.side,
        generation=seen.generation,
        control=seen.answered_by if is_control else seen.other,
        candidate=seen.other if is_control else seen.answered_by,
        control_status=control.status,
        candidate_status=candidate.status,
        request=redact(seen.request, setup.shaper, setup.route_rules(seen.capability, seen.route)),
        trace_id=trace_id_of(seen.request.headers),
        size=sum(map(len, (seen.request.target, seen.request.body, control.body, candidate.body))),
    )
