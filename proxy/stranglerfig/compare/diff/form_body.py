"""Bodies of ``application/x-www-form-urlencoded`` compared field by field: what is encoded differently means the same."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl

from stranglerfig.compare.diff.difference import Found
from stranglerfig.compare.diff.json_body import diff_json
from stranglerfig.compare.diff.json_tree import Json, Members
from stranglerfig.compare.diff.text_body import diff_text

_MAX_FIELDS: Final = 10_000


def diff_fields(control: str, candidate: str) -> Iterator[Found]:
    """Every field that differs, with paths as in JSON; of a repeated one the values as a list."""
    try:
        ours, theirs = _values(control), _values(candidate)
    except ValueError:  # more fields than anybody sends
        yield from diff_text(control, candidate)
        return
    repeated = {name for side in (ours, theirs) for name, values in side.items() if len(values) > 1}
    yield from diff_json(_tree(ours, repeated), _tree(theirs, repeated))


def _values(body: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    fields = parse_qsl(
        body, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MAX_FIELDS
    )
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


def _tree(values: dict[str, list[str]], repeated: set[str]) -> Members:
    members: list[tuple[str, Json]] = [
        (name, list(each) if name in repeated else each[0]) for name, each in values.items()
    ]
    return Members(members)
