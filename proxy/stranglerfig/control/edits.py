"""One edit of fig.yaml: read it afresh, change one word, check the result, write unless somebody else wrote meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from stranglerfig.config import edit
from stranglerfig.config.load import digest_of
from stranglerfig.config.model import Stage
from stranglerfig.config.scalar import Percent, hundredths
from stranglerfig.control.refusal import ChangeError, unknown_capability
from stranglerfig.control.source import Reading, RefusedError, Source, Written

_PERCENT: TypeAdapter[float] = TypeAdapter(Percent)
_TRIES = 5  # against somebody who saves at the same time


@dataclass(frozen=True, slots=True)
class Edited:
    """The file after an edit: what it says, and whether it had to be written."""

    written: Written
    was_written: bool


def write_stage(
    source: Source,
    capability: str,
    stage: Stage,
    percent: float | None,
    *,
    parse: Callable[[Reading], Written],
) -> Edited:
    """Bring the file to the wanted stage. ``parse`` may refuse more than the file's own rules do.

    Raises ``ChangeError``; then the file is as it was.
    """
    share = None if percent is None else _share(percent)
    for _ in range(_TRIES):
        reading = source.read()
        try:
            return _write_once(source, reading, capability, stage, share, parse)
        except edit.Changed:
            continue
        except RefusedError as error:
            raise ChangeError(
                409,
                f"{source.path} can't be used as it stands, so it is not edited",
                "mend the file first; `fig check` shows every mistake with its line",
                error.problems,
            ) from error
        except edit.EditError as error:
            raise ChangeError(409, error.message, error.mend) from error
        except OSError as error:
            raise ChangeError(
                409,
                f"{source.path} can't be written: {error.strerror}",
                "make room, then try again",
            ) from error
    raise ChangeError(
        409,
        f"{source.path} is being changed by somebody else all the time",
        "try again when they are done",
    )


def _write_once(
    source: Source,
    reading: Reading,
    capability: str,
    stage: Stage,
    share: int | None,
    parse: Callable[[Reading], Written],
) -> Edited:
    before = parse(reading)
    assert reading.text is not None, "what parses has a text"
    known = before.config.capabilities
    if capability not in known:
        raise unknown_capability(capability, list(known))
    if stage is Stage.CANARY and share is None and not known[capability].percent:
        raise ChangeError(
            422,
            f"canary needs a share of users, and capability {capability!r} has none in the file",
            f"say it: fig set {capability} canary 10",
        )
    text = edit.set_stage(reading.text, capability, stage, share)
    if text == reading.text:
        return Edited(before, was_written=False)
    after = parse(reading.with_text(text))
    edit.write_atomically(source.path, text, digest_of(reading.text))
    return Edited(after, was_written=True)


def _share(percent: float) -> int:
    """The percent in hundredths. Raises ``ChangeError`` for one that fig.yaml would not take."""
    try:
        return hundredths(_PERCENT.validate_python(percent))
    except ValidationError as error:
        raise ChangeError(
            422, f"percent: {error.errors()[0]['msg']}", "write a share of users such as 10 or 2.5"
        ) from error
