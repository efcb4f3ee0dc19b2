"""Faults in what a reader of a page sees."""

from collections.abc import Callable
from random import Random

from mutants.answer import HTML, Recorded
from mutants.operator import operator
from mutants.operators import wording
from mutants.pool import Pool
from stranglerfig.compare.observation import RecordedResponse

Wrong = Callable[[str, Random], str | None]


def _of_text(name: str, wrong: Wrong) -> None:
    @operator(HTML, name)
    def mutate(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
        texts = list(answer.page.texts)
        chance.shuffle(texts)
        for text in texts:
            made = wrong(text.words, chance)
            if made is not None and made != text.words:
                return answer.with_text(answer.page.replaced(text.begin, text.end, made))
        return None


_of_text("change a word", wording.change)
_of_text("off by one", wording.off_by_one)
_of_text("sign", wording.sign)
_of_text("rounding", wording.rounding)
_of_text("wrong currency", wording.wrong_currency)
_of_text("truncated text", wording.truncated)
_of_text("case", wording.case)
_of_text("decomposed letters", wording.decomposed)
_of_text("white space", wording.broken_word)


@operator(HTML, "stale value")
def _stale(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    texts = list(answer.page.texts)
    chance.shuffle(texts)
    for text in texts:
        other = pool.text(chance, text.place, text.words)
        if other is not None:
            return answer.with_text(answer.page.replaced(text.begin, text.end, other))
    return None
