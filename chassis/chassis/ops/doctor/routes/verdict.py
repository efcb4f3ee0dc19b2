"""The words: what the proxy would do with requests for one pattern."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chassis.ops.doctor.proxy import Answer, Running
from chassis.ops.doctor.routes.walking import Entry


class Word(StrEnum):
    CLAIMED = "claimed"
    PARTLY = "partly claimed"
    UNCLAIMED = "unclaimed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """Where one request would go."""

    method: str
    path: str
    word: Word
    who: str
    """Who answers, or why nobody does."""
    capability: str | None = None
    route: str | None = None
    stage: str | None = None

    @property
    def says(self) -> str:
        """All of it in one line, without the request."""
        if self.capability is None:
            return self.who
        return f"{self.capability} · {self.route} · {self.stage}: {self.who}"


@dataclass(frozen=True)
class Verdict:
    """What is said of one pattern."""

    entry: Entry
    word: Word
    outcomes: tuple[Outcome, ...] = ()
    why: str = ""
    """For patterns that were not asked for: why."""
    untried: str = ""
    """What is known not to have been asked for."""


def judge(entry: Entry, outcomes: Sequence[Outcome], untried: str = "") -> Verdict:
    """One word for all requests that were asked for. `outcomes` is not empty.

    Claimed is only what was claimed whole, and of which nothing is known to be left.
    """
    words = {outcome.word for outcome in outcomes}
    if len(words) == 1:
        word = next(iter(words))
    elif Word.CLAIMED in words:
        word = Word.PARTLY
    else:
        word = Word.UNCLAIMED
    if word is Word.CLAIMED and untried:
        word = Word.PARTLY
    return Verdict(entry, word, tuple(outcomes), untried=untried)


def outcome_of(method: str, path: str, answer: Answer, running: Running) -> Outcome:
    """The proxy's answer in words."""
    if answer.status is not None:
        return Outcome(method, path, Word.UNREACHABLE, answer.says)
    if answer.capability is None:
        return Outcome(method, path, Word.UNCLAIMED, f"{answer.upstream} answers")
    return Outcome(
        method,
        path,
        Word.CLAIMED,
        _who(answer, running),
        answer.capability,
        answer.route,
        answer.stage,
    )


def _who(answer: Answer, running: Running) -> str:
    capability = running.capabilities[answer.capability or ""]
    service = capability["upstream"]
    monolith = capability["control"] or running.config["fallthrough"]
    if answer.reason == "owner":
        return f"writes: {capability['writes']}, so {answer.upstream} answers"
    if answer.reason == "aborted":
        return f"aborted: {monolith} answers"
    compared = "; compared" if capability["compare"] and answer.safe else ""
    match answer.stage:
        case "shadow" if answer.safe:  # nobody is asked to do a thing twice
            return f"{monolith} answers, {service} is asked too"
        case "canary":
            percent = f"{capability['percent']:g} %"
            return f"{service} answers {percent} of users, {monolith} the rest{compared}"
        case "service":
            return f"{service} answers{compared}"
    return f"{monolith} answers"
