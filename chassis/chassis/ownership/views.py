"""`GET /_chassis/rows/<capability>?table=&after=&limit=`: a page of a capability's table, for its service.

Also understood: `count=1` adds `total`; `only=key` sends the keys alone; `key=` (repeated) asks for single rows instead
of a page. Anything else is refused, so that a misspelt parameter is never a silent full read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, JsonResponse

from chassis.callers import authorize
from chassis.endpoint import internal
from chassis.ownership.rows import Page, page_after, parse_key, row_count, rows_with_keys
from chassis.ownership.tables import Column, Table, declared_capabilities
from chassis.problem import ProblemError

DEFAULT_LIMIT = 500
# A page is held in memory on both sides; keys alone are small.
MAX_LIMIT = 1000
MAX_LIMIT_KEYS_ONLY = 10_000
MAX_KEYS = 100

_PARAMETERS = ("table", "after", "limit", "count", "only", "key")


@dataclass(frozen=True)
class _Asked:
    table: Table
    columns: Sequence[Column]
    after: object | None
    limit: int
    keys: Sequence[object]
    with_total: bool


@internal
def rows(request: HttpRequest, capability: str) -> JsonResponse:
    """A page, or a problem: 400 parameters, 401 credential, 403 right, 404 capability or table, 405 method."""
    try:
        if request.method not in ("GET", "HEAD"):
            raise ProblemError(
                HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "Rows are read with GET."
            )
        authorize(request, capability)
        asked = _read_parameters(request, capability)
        return JsonResponse(_answer(capability, asked))
    except ProblemError as problem:
        answer = problem.answer()
        if problem.status is HTTPStatus.METHOD_NOT_ALLOWED:
            answer["Allow"] = "GET, HEAD"
        return answer


def _answer(capability: str, asked: _Asked) -> dict[str, object]:
    page: Page
    if asked.keys:
        page = rows_with_keys(asked.table, asked.columns, asked.keys)
    else:
        page = page_after(asked.table, asked.columns, asked.after, asked.limit)
    body: dict[str, object] = {
        "capability": capability,
        "table": asked.table.name,
        "key": asked.table.key.name,
        "columns": [{"name": column.name, "kind": column.kind} for column in asked.columns],
        "rows": page.rows,
        "next": page.next,
    }
    if asked.with_total:
        body["total"] = row_count(asked.table)
    return body


def _read_parameters(request: HttpRequest, capability: str) -> _Asked:
    query = request.GET
    if unknown := sorted(set(query) - set(_PARAMETERS)):
        raise _bad(f"unknown parameter {unknown[0]!r}; known are {', '.join(_PARAMETERS)}")
    for name in _PARAMETERS:
        if name != "key" and len(query.getlist(name)) > 1:
            raise _bad(f"{name} is given more than once")
    declared = declared_capabilities().get(capability)
    if declared is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            "capability_unknown",
            f"OWNERSHIP declares no capability {capability}.",
        )
    if "table" not in query:
        raise _bad(f"table is missing; {capability} has {', '.join(declared.tables)}")
    table = declared.tables.get(query["table"])
    if table is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            "table_unknown",
            f"{capability} has no such table; it has {', '.join(declared.tables)}.",
        )
    only_key = _one_of("only", query.get("only"), ("key",)) is not None
    return _Asked(
        table=table,
        columns=(table.key,) if only_key else table.columns,
        after=_key(table, "after", query["after"]) if "after" in query else None,
        limit=_limit(query.get("limit"), MAX_LIMIT_KEYS_ONLY if only_key else MAX_LIMIT),
        keys=_keys(table, query.getlist("key"), alone="after" not in query),
        with_total=_one_of("count", query.get("count"), ("0", "1")) == "1",
    )


def _limit(text: str | None, most: int) -> int:
    if text is None:
        return DEFAULT_LIMIT
    # Nine digits are enough to be over the cap, and keep int() from reading megabytes.
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < 1:
        raise _bad("limit must be a whole number from 1; more than the cap gives the cap")
    return min(int(text), most)


def _keys(table: Table, texts: Sequence[str], *, alone: bool) -> Sequence[object]:
    if texts and not alone:
        raise _bad("key and after exclude each other")
    if len(texts) > MAX_KEYS:
        raise _bad(f"at most {MAX_KEYS} keys at once")
    return [_key(table, "key", text) for text in texts]


def _key(table: Table, name: str, text: str) -> object:
    try:
        return parse_key(table.key.kind, text)
    except ValueError:
        raise _bad(f"{name} is no key of {table.name}: its keys are {table.key.kind}") from None


def _one_of(name: str, text: str | None, allowed: Sequence[str]) -> str | None:
    if text is not None and text not in allowed:
        raise _bad(f"{name} is one of: {', '.join(allowed)}")
    return text


def _bad(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, "parameter_invalid", detail)
