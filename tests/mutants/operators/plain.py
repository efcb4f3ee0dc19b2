"""Faults in a text that is neither JSON nor a page, line by line; and in any body as a whole."""

from collections.abc import Callable
from random import Random

from mutants.answer import HTML, JSON, TEXT, Recorded
from mutants.operator import operator
from mutants.operators import wording
from mutants.pool import Pool
from stranglerfig.compare.observation import RecordedResponse

Lines = list[str]


def _of_lines(name: str) -> Callable[..., None]:
    def register(fault: Callable[[Lines, int, Random], Lines | None]) -> None:
        @operator(TEXT, name)
        def mutate(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
            lines = answer.text.split("\n")
            at = chance.choice([at for at, line in enumerate(lines) if line.strip()])
            made = fault(list(lines), at, chance)
            if made is None or made == lines:
                return None
            return answer.with_text("\n".join(made))

    return register


@_of_lines("drop a line")
def _drop(lines: Lines, at: int, chance: Random) -> Lines:
    del lines[at]
    return lines


@_of_lines("duplicate a line")
def _duplicate(lines: Lines, at: int, chance: Random) -> Lines:
    lines.insert(at, lines[at])
    return lines


@_of_lines("reorder")
def _reorder(lines: Lines, at: int, chance: Random) -> Lines:
    other = chance.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]
    return lines


def _of_line(name: str, wrong: Callable[[str, Random], str | None]) -> None:
    @_of_lines(name)
    def fault(lines: Lines, at: int, chance: Random) -> Lines | None:
        made = wrong(lines[at], chance)
        return None if made is None else [*lines[:at], made, *lines[at + 1 :]]


_of_line("change a word", wording.change)
_of_line("off by one", wording.off_by_one)
_of_line("sign", wording.sign)
_of_line("truncated text", wording.truncated)
_of_line("case", wording.case)


def _of_body(
    name: str, wrong: Callable[[str, Random], str], *, kinds: tuple[str, ...] = (JSON, HTML, TEXT)
) -> None:
    for kind in kinds:

        @operator(kind, name)
        def mutate(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
            return answer.with_text(wrong(answer.text, chance))


_of_body("empty body", lambda text, chance: "")
# Not at the very end: what is lacking there may be tags that a browser closes by itself.
_of_body("cut body", lambda text, chance: text[: chance.randrange(1, 1 + len(text) * 9 // 10)])
# A reader of JSON may refuse it (RFC 8259, 8.1); a browser passes over it in a page.
_of_body("byte order mark", lambda text, chance: f"\ufeff{text}", kinds=(JSON,))
_of_body(
    "line ends",
    lambda text, chance: text.replace("\r\n", "\n") if "\r" in text else text.replace("\n", "\r\n"),
    kinds=(TEXT,),
)
