"""What a service reads from the monolith, and what the proxy asks about it.

`rows/<capability>?table=&after=&limit=`: a page of a table. Also understood: `count=1` adds `total`; `only=key` sends
the keys alone; `key=` (repeated) asks for single rows instead of a page.
`feed/<capability>?after=&limit=`: what changed behind a cursor; without one, where the log ends.
`ownership/<capability>`: who owns the tables, whether changes are captured, and how far readers are behind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus

from django.http import HttpRequest, JsonResponse, QueryDict

from chassis.callers import DATA, STATUS, Caller, authorize
from chassis.endpoint import View, internal
from chassis.ownership.capture.cursor import SignatureError, read_cursor
from chassis.ownership.capture.feed import changes_after, gone
from chassis.ownership.capture.readers import remember
from chassis.ownership.capture.reading import Reading, reading
from chassis.ownership.capture.status import status_of
from chassis.ownership.capture.watches import tables_behind
from chassis.ownership.parameters import bad, limit, one_of, only_known
from chassis.ownership.rows import Page, page_after, parse_key, row_count, rows_with_keys
from chassis.ownership.tables import Capability, Column, Table, declared_capabilities
from chassis.problem import ProblemError

DEFAULT_LIMIT = 500
# A page is held in memory on both sides; keys alone are small.
MAX_LIMIT = 1000
MAX_LIMIT_KEYS_ONLY = 10_000
MAX_KEYS = 100

_Read = Callable[[QueryDict, Capability, Caller], Mapping[str, object]]


@dataclass(frozen=True)
class _Asked:
    table: Table
    columns: Sequence[Column]
    after: object | None
    limit: int
    keys: Sequence[object]
    with_total: bool


def _guarded(right: str) -> Callable[[_Read], View]:
    """Makes a view that reads: for callers with this right to a declared capability. Problems become answers: 400
    parameters, 401 credential, 403 right, 404 capability, 405 method, and those of `read`."""

    def view_of(read: _Read) -> View:
        @internal
        @wraps(read)
        def view(request: HttpRequest, capability: str) -> JsonResponse:
            try:
                if request.method not in ("GET", "HEAD"):
                    raise ProblemError(
                        HTTPStatus.METHOD_NOT_ALLOWED,
                        "method_not_allowed",
                        "This is read with GET.",
                    )
                caller = authorize(request, capability, right)
                declared = declared_capabilities().get(capability)
                if declared is None:
                    raise ProblemError(
                        HTTPStatus.NOT_FOUND,
                        "capability_unknown",
                        f"OWNERSHIP declares no capability {capability}.",
                    )
                return JsonResponse(read(request.GET, declared, caller))
            except ProblemError as problem:
                answer = problem.answer()
                if problem.status is HTTPStatus.METHOD_NOT_ALLOWED:
                    answer["Allow"] = "GET, HEAD"
                return answer

        return view

    return view_of


@_guarded(DATA)
def rows(query: QueryDict, capability: Capability, _: Caller) -> Mapping[str, object]:
    """A page of a table. 404: no such table."""
    asked = _read_parameters(query, capability)
    tables = [asked.table.name, *tables_behind(asked.table, asked.columns)]
    with reading(capability.name, tables) as now:
        page = _read_page(asked, now)
        body: dict[str, object] = {
            "capability": capability.name,
            "incarnation": None if now.incarnation is None else str(now.incarnation),
            "position": now.position,
            "table": asked.table.name,
            "key": asked.table.key.name,
            "columns": [{"name": column.name, "kind": column.kind} for column in asked.columns],
            "rows": page.rows,
            "next": page.next,
        }
        if asked.with_total:
            body["total"] = row_count(asked.table.model, now.using)
    return body


@_guarded(DATA)
def feed(query: QueryDict, capability: Capability, caller: Caller) -> Mapping[str, object]:
    """What changed. 410: the cursor's place is gone; 503: changes are not captured."""
    only_known(query, ("after", "limit"))
    most = limit(query.get("limit"), DEFAULT_LIMIT, MAX_LIMIT)
    after = query.get("after")
    if after is None:
        return changes_after(capability, None, most)
    try:
        cursor = read_cursor(after)
    except ValueError:
        raise bad("after is no cursor: it is the next of an earlier answer") from None
    except SignatureError:
        # Of this caller alone: nothing follows from it for others.
        raise gone("it is not signed with this project's SECRET_KEY") from None
    remember(capability.name, caller.name, cursor)
    return changes_after(capability, cursor, most)


@_guarded(STATUS)
def ownership(query: QueryDict, capability: Capability, _: Caller) -> Mapping[str, object]:
    """Whether changes are captured, and how far each reader is behind."""
    only_known(query, ())
    return status_of(capability)


def _read_page(asked: _Asked, now: Reading) -> Page:
    if asked.keys:
        return rows_with_keys(asked.table, asked.columns, asked.keys, now.using)
    return page_after(asked.table, asked.columns, asked.after, asked.limit, now.using)


def _read_parameters(query: QueryDict, capability: Capability) -> _Asked:
    only_known(query, ("table", "after", "limit", "count", "only", "key"), repeated=("key",))
    name, after = query.get("table"), query.get("after")
    if name is None:
        raise bad(f"table is missing; {capability.name} has {', '.join(capability.tables)}")
    table = capability.tables.get(name)
    if table is None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            "table_unknown",
            f"{capability.name} has no such table; it has {', '.join(capability.tables)}.",
        )
    only_key = one_of("only", query.get("only"), ("key",)) is not None
    return _Asked(
        table=table,
        columns=(table.key,) if only_key else table.columns,
        after=None if after is None else _key(table, "after", after),
        limit=limit(
            query.get("limit"), DEFAULT_LIMIT, MAX_LIMIT_KEYS_ONLY if only_key else MAX_LIMIT
        ),
        keys=_keys(table, query.getlist("key"), alone=after is None),
        with_total=one_of("count", query.get("count"), ("0", "1")) == "1",
    )


def _keys(table: Table, texts: Sequence[str], *, alone: bool) -> Sequence[object]:
    if texts and not alone:
        raise bad("key and after exclude each other")
    if len(texts) > MAX_KEYS:
        raise bad(f"at most {MAX_KEYS} keys at once")
    return [_key(table, "key", text) for text in texts]


def _key(table: Table, name: str, text: str) -> object:
    try:
        return parse_key(table.key.kind, text)
    except ValueError:
        raise bad(f"{name} is no key of {table.name}: its keys are {table.key.kind}") from None
