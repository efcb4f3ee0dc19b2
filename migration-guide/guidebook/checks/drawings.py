"""Has every step its picture, and are those that are committed what would be drawn now?"""

from collections.abc import Iterator

from guidebook.book import STEP, Book
from guidebook.pictures import find_stale, read_words
from guidebook.problem import GuideError, Problem
from guidebook.repository import GUIDE

_DRAW = "run `python -m guidebook pictures`"


def check_drawings(book: Book) -> Iterator[Problem]:
    """Byte for byte; also whether a step's fig.yaml can be drawn at all."""
    try:
        drawn = {step.folder for step in read_words(book.repository.guide).steps}
        stale = find_stale(book.repository.guide)
    except GuideError as error:
        yield from error.problems
        return
    for entry in book.of_kind(STEP):
        if entry.name not in drawn:
            yield Problem(
                entry.page.name,
                0,
                "the step has no picture",
                f"describe it in {GUIDE}/pictures.yaml",
            )
    for file, text in stale.items():
        name = str(file.relative_to(book.repository.root))
        if text is None:
            yield Problem(name, 0, "nothing draws this picture", f"{_DRAW}, which removes it")
        else:
            yield Problem(name, 0, "the picture is not what would be drawn now", _DRAW)
