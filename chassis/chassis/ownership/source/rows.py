"""The monolith's rows, page by page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from chassis.ownership.source.channel import Channel, SourceError, not_a_source
from chassis.ownership.values import Kind

# gunicorn takes request lines of 4,094 bytes unless told otherwise.
MAX_QUERY_BYTES = 3000
MAX_KEYS = 50

AKey = TypeVar("AKey")


@dataclass(frozen=True)
class SourcePage:
    columns: Mapping[str, Kind]
    key: str
    rows: Sequence[Mapping[str, object]]
    """As written in JSON, by column."""
    next: int | str | None = None
    total: int | None = None
    position: int = 0
    """Where in the order of readings it was read; 0 from a source that tells none."""
    incarnation: str = ""
    """Which source that order is of; empty from one that tells none."""


class Source:
    """Reads one capability's tables."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._url = channel.url("rows")

    def page(
        self,
        table: str,
        after: object | None,
        limit: int,
        *,
        only_key: bool = False,
        count: bool = False,
    ) -> SourcePage:
        """The page of at most `limit` rows after the key `after`. Raises SourceError."""
        parameters = [("table", table), ("limit", str(limit))]
        if after is not None:
            parameters.append(("after", str(after)))
        if only_key:
            parameters.append(("only", "key"))
        if count:
            parameters.append(("count", "1"))
        page = self._get(parameters, table)
        if page.next is not None and (not page.rows or page.next != page.rows[-1].get(page.key)):
            raise SourceError(
                f"{self._url}: a page of {table} names a next key that is not its last row's"
            )
        if page.next is not None and page.next == after:
            raise SourceError(f"{self._url}: {table} does not get past the key {after!r}")
        return page

    def rows(self, table: str, keys: Sequence[AKey]) -> Iterator[tuple[Sequence[AKey], SourcePage]]:
        """The rows with these keys, as far as the source has them, in as many requests as it takes: each with the keys
        that it was for."""
        for part in _requests_of(keys):
            yield part, self._get([("table", table), *(("key", str(key)) for key in part)], table)

    def _get(self, parameters: Sequence[tuple[str, str]], table: str) -> SourcePage:
        body = self._channel.get("rows", parameters)
        try:
            columns = {column["name"]: Kind(column["kind"]) for column in body["columns"]}
            if body["table"] != table:
                raise ValueError(f"rows of {body['table']} instead of {table}")
            return SourcePage(
                columns,
                body["key"],
                [dict(zip(columns, row, strict=True)) for row in body["rows"]],
                body["next"],
                body.get("total"),
                int(body.get("position") or 0),
                str(body.get("incarnation") or ""),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise not_a_source(self._url, error) from error


def _requests_of(keys: Sequence[AKey]) -> Iterator[Sequence[AKey]]:
    part: list[AKey] = []
    length = 0
    for key in keys:
        size = len(quote(str(key))) + 5
        if len(part) == MAX_KEYS or (part and length + size > MAX_QUERY_BYTES):
            yield part
            part, length = [], 0
        part.append(key)
        length += size
    if part:
        yield part
