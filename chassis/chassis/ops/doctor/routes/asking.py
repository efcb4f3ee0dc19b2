"""Puts the URLconf and the proxy beside each other: walks, samples, asks, judges."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.conf import settings

from chassis.ops.doctor.proxy import Proxy, Question
from chassis.ops.doctor.routes.matching import Chain
from chassis.ops.doctor.routes.regex import NoTextError
from chassis.ops.doctor.routes.sample import Sample, encoded
from chassis.ops.doctor.routes.sampling import Sampler
from chassis.ops.doctor.routes.slow import Slow, slow_of
from chassis.ops.doctor.routes.strays import Stray, find_strays
from chassis.ops.doctor.routes.trials import Trials
from chassis.ops.doctor.routes.verdict import Outcome, Verdict, Word, judge, outcome_of
from chassis.ops.doctor.routes.walking import Entry, walk


@dataclass
class _Asked:
    """One pattern on its way to a verdict."""

    entry: Entry
    samples: list[Sample] = field(default_factory=list)
    why: str = ""
    untried: str = ""
    word: Word = Word.UNKNOWN

    def questions(self, prefix: str) -> Iterator[Question]:
        for path in dict.fromkeys(sample.path for sample in self.samples):
            for method in self.entry.methods.names:
                yield method, prefix + encoded(path)


@dataclass(frozen=True)
class Compared:
    """Every pattern's verdict in the URLconf's order, and the routes of fig.yaml that lead nowhere."""

    verdicts: tuple[Verdict, ...]
    strays: tuple[Stray, ...]
    slow: tuple[Slow, ...]


def compare(proxy: Proxy, urlconf: str | None = None) -> Compared:
    """Ask the proxy for every pattern. Raises ProxyError and UrlconfError."""
    with Trials() as trials:
        return _compare(proxy, urlconf, trials)


def find_slow() -> tuple[list[Entry], list[Slow]]:
    """Every pattern of ROOT_URLCONF, and those that take too long for paths that are made for them. Asks no proxy."""
    with Trials() as trials:
        sampler = Sampler(None, trials)
        entries = [_sampled(entry, sampler).entry for entry in walk()]
        return entries, slow_of(entries, trials)


def _compare(proxy: Proxy, urlconf: str | None, trials: Trials) -> Compared:
    prefix = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    sampler = Sampler(urlconf, trials)
    asked = [_sampled(entry, sampler) for entry in walk(urlconf)]
    answers = _ask(proxy, (question for one in asked for question in one.questions(prefix)))
    strays, hits = find_strays(
        proxy.running,
        answers.values(),
        [sample for one in asked for sample in one.samples],
        sampler,
        prefix,
    )
    by_chain = {_key(one.entry.chain): one for one in asked}
    again: list[_Asked] = []
    for hit in hits:
        one = by_chain.get(_key(hit.chain))
        if one is None:  # somebody's own kind of resolver, which is not looked into
            continue
        one.samples.append(hit.sample)
        again.append(one)
        if stray := hit.miss(one.entry.methods):
            strays.append(stray)
    more = (question for one in again for question in one.questions(prefix))
    answers |= _ask(proxy, (question for question in more if question not in answers))
    return Compared(
        tuple(_verdict(one, answers, prefix, trials) for one in asked),
        tuple(strays),
        tuple(slow_of([one.entry for one in asked], trials)),
    )


def _ask(proxy: Proxy, questions: Iterable[Question]) -> dict[Question, Outcome]:
    return {
        question: outcome_of(*question, answer, proxy.running)
        for question, answer in proxy.explain(dict.fromkeys(questions))
    }


def _sampled(entry: Entry, sampler: Sampler) -> _Asked:
    if entry.trouble:
        return _Asked(entry, why=entry.trouble)
    try:
        made = sampler.samples(entry)
    except NoTextError as error:
        return _Asked(entry, why=str(error))
    except Exception as error:  # a converter or pattern of somebody else's, asked for a value
        return _Asked(entry, why=f"{type(error).__name__}: {error}")
    if made.own:
        return _Asked(entry, made.own, untried=made.untried)
    before = "".join(str(one.pattern).removeprefix("^") for one in made.taken[0][1])
    return _Asked(
        entry,
        why=f"a pattern before it in the URLconf takes its requests: /{before}",
        word=Word.UNREACHABLE,
    )


def _verdict(one: _Asked, answers: dict[Question, Outcome], prefix: str, trials: Trials) -> Verdict:
    # That it is too slow shows with the paths of other patterns.
    slow = "to match a path takes it too long" if trials.is_slow(one.entry.chain) else ""
    if not one.samples:
        why = slow if slow and one.word is Word.UNKNOWN else one.why
        return Verdict(one.entry, one.word, why=why)
    outcomes = [answers[question] for question in one.questions(prefix)]
    return judge(one.entry, outcomes, "; ".join(filter(None, (one.untried, slow))))


def _key(chain: Chain) -> tuple[int, ...]:
    return tuple(map(id, chain))
