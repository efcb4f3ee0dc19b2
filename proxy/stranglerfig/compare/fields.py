"""Which fields of two JSON answers could be compared: one that is always null, or always in an empty list, never was.

A rule that lets a value vary takes it out as well: that it is there is compared still, what it is never.
"""

from collections.abc import Iterator
from typing import Final

from stranglerfig.compare.diff.body import text_of
from stranglerfig.compare.diff.difference import BODY, Difference, Kind, Shape
from stranglerfig.compare.diff.json_tree import Json, Members, NotJsonError, parse
from stranglerfig.compare.diff.path import MAX_NAMED_MEMBERS, is_name
from stranglerfig.compare.evidence_rows import FieldRow
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import RouteRules

MAX_FIELDS: Final = 300  # of one answer
MAX_ROWS: Final = 50  # of one list: the others are of its kind
MAX_MEMBERS: Final = 200  # of one object
_ANY: Final = Shape("any")


def fields_of(
    control: RecordedResponse, candidate: RecordedResponse, rules: RouteRules
) -> Iterator[FieldRow]:
    """One row for each field of either answer; none where one of them is no JSON. May raise ``NotComparableError``."""
    try:
        ours, theirs = (
            _leaves(parse(text_of(each.body, each.headers)[0])) for each in (control, candidate)
        )
    except NotJsonError:
        return
    for path in [*ours, *(path for path in theirs if path not in ours)]:
        row = FieldRow("", "", path, seen=1)
        if path not in ours or path not in theirs:
            row.alone = 1
        elif not (ours[path] and theirs[path]):
            row.empty = 1
        elif rules.ignoring(Difference(Kind.VALUE, BODY, path, path, _ANY, _ANY)) is not None:
            row.excused = 1
        else:
            row.compared = 1
        yield row


def _leaves(tree: Json) -> dict[str, bool]:
    """The places of values, and whether there is a value in any of them: null, and a list or object with nothing in it, is none."""
    found: dict[str, bool] = {}
    waiting: list[tuple[str, Json]] = [("$", tree)]
    while waiting and len(found) < MAX_FIELDS:
        path, value = waiting.pop()
        if isinstance(value, Members) and value:
            is_dictionary = len(value) > MAX_NAMED_MEMBERS
            for name in reversed(list(value)[:MAX_MEMBERS]):
                is_data = is_dictionary or not is_name(name)
                waiting.append((f"{path}.*" if is_data else f"{path}.{name}", value[name]))
        elif isinstance(value, list) and value:
            waiting += [(f"{path}[]", item) for item in reversed(value[:MAX_ROWS])]
        else:
            has_value = value is not None and not isinstance(value, Members | list)
            found[path] = found.get(path, False) or has_value
    return found
