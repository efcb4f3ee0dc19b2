"""How many mutants of each operator are found, and what hid the others."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from mutants import operators  # noqa: F401  # registers them
from mutants.answer import Recorded
from mutants.operator import HEAD, OPERATORS, Operator
from mutants.pool import Pool
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.verdict import Judgement, Verdict

NO_RULE = "no rule: alike"
_TRIES = 20  # for each mutant: not every answer has a place for every fault

Judge = Callable[[tuple[RecordedResponse, RecordedResponse]], Judgement]


@dataclass(frozen=True)
class Mutant:
    """A changed answer beside the one that it was made from."""

    operator: Operator
    original: Recorded
    mutated: RecordedResponse


@dataclass
class Row:
    """The score of one operator."""

    operator: Operator
    found: int = 0
    hidden: Counter[str] = field(default_factory=Counter)
    """By the rules that hid them, or why without a rule."""
    survivors: list[Mutant] = field(default_factory=list)

    @property
    def mutants(self) -> int:
        return self.found + self.hidden.total()

    @property
    def share(self) -> float:
        """Of the mutants that were found."""
        return self.found / self.mutants


def mutants_of(
    operator: Operator, answers: Sequence[Recorded], pool: Pool, *, each: int, seed: int
) -> Iterator[Mutant]:
    """Up to so many, of answers and at places that chance picks; the same for the same seed."""
    fitting = [answer for answer in answers if operator.kind in (HEAD, answer.kind)]
    chance = Random(f"{seed} {operator}")
    left = each
    for _ in range(each * _TRIES if fitting else 0):
        answer = chance.choice(fitting)
        mutated = operator.mutate(answer, chance, pool)
        if mutated is None:
            continue
        yield Mutant(operator, answer, mutated)
        left -= 1
        if not left:
            return


def score(answers: Sequence[Recorded], judge: Judge, *, each: int, seed: int) -> list[Row]:
    """A row for each operator."""
    pool = Pool(answers)
    rows = []
    for operator in OPERATORS:
        row = Row(operator)
        for mutant in mutants_of(operator, answers, pool, each=each, seed=seed):
            _judge(row, mutant, judge)
        rows.append(row)
    return rows


def _judge(row: Row, mutant: Mutant, judge: Judge) -> None:
    try:
        judgement = judge((mutant.original.response, mutant.mutated))
    except NotComparableError as error:
        row.hidden[f"not comparable: {error.reason}"] += 1
    else:
        if judgement.verdict is Verdict.DIFFERENT:
            row.found += 1
            return
        row.hidden[" + ".join(sorted(judgement.hits)) or NO_RULE] += 1
    row.survivors.append(mutant)


def total(rows: Sequence[Row]) -> Row:
    """All operators in one row; its operator is that of the first."""
    sum_ = Row(rows[0].operator, sum(row.found for row in rows))
    for row in rows:
        sum_.hidden.update(row.hidden)
    return sum_
