"""Reading query strings: anything that is not understood is refused, so that a misspelt parameter is never a silent
full read."""

from collections.abc import Sequence
from http import HTTPStatus

from django.http import QueryDict

from chassis.problem import ProblemError


def only_known(query: QueryDict, known: Sequence[str], repeated: Sequence[str] = ()) -> None:
    if unknown := sorted(set(query) - set(known)):
        raise bad(f"unknown parameter {unknown[0]!r}; known are {', '.join(known)}")
    for name in known:
        if name not in repeated and len(query.getlist(name)) > 1:
            raise bad(f"{name} is given more than once")


def limit(text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    # Nine digits are enough to be over the cap, and keep int() from reading megabytes.
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < 1:
        raise bad("limit must be a whole number from 1; more than the cap gives the cap")
    return min(int(text), most)


def one_of(name: str, text: str | None, allowed: Sequence[str]) -> str | None:
    if text is not None and text not in allowed:
        raise bad(f"{name} is one of: {', '.join(allowed)}")
    return text


def bad(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, "parameter_invalid", detail)
