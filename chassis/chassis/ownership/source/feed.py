"""The monolith's feed of changes, page by page: CloudEvents 1.0, each with what the row holds now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from chassis.ownership.source.channel import Channel, SourceError, SourceRefusedError, not_a_source
from chassis.ownership.source.rows import SourcePage
from chassis.ownership.values import Kind

CHANGED = "chassis.row.changed"
DELETED = "chassis.row.deleted"


class CursorGoneError(SourceError):
    """The source can't say what changed since the cursor: everything must be copied again."""


class NoFeedError(SourceError):
    """The source hands out no feed."""


@dataclass(frozen=True)
class Head:
    """Where the feed ends now: what is read from here on, and the changes from there on, miss nothing."""

    cursor: str
    incarnation: str


@dataclass(frozen=True)
class FeedPage:
    """Rows that changed, as one snapshot of the source holds them."""

    incarnation: str
    position: int
    event_ids: Mapping[str, tuple[str, object]]
    """The table and key, as written in JSON, that each event is of."""
    changed: Mapping[str, SourcePage]
    """By table: the rows of the events."""
    deleted: Mapping[str, Sequence[object]]
    """By table: the keys of the events that found no row."""
    next: str
    more: bool


class Feed:
    """Reads the changes of one capability."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._url = channel.url("feed")

    def head(self) -> Head:
        """Where the feed ends now. Raises NoFeedError, SourceError."""
        body = self._get([])
        try:
            return Head(cursor=_text(body["next"]), incarnation=_text(body["incarnation"]))
        except (KeyError, TypeError, ValueError) as error:
            raise not_a_source(self._url, error) from error

    def page(self, after: str, limit: int) -> FeedPage:
        """What changed since `after`. Raises CursorGoneError, NoFeedError, SourceError."""
        body = self._get([("after", after), ("limit", str(limit))])
        try:
            return _read(body)
        except (KeyError, TypeError, ValueError) as error:
            raise not_a_source(self._url, error) from error

    def _get(self, parameters: Sequence[tuple[str, str]]) -> Any:
        try:
            return self._channel.get("feed", parameters)
        except SourceRefusedError as error:
            if error.status == HTTPStatus.GONE:
                raise CursorGoneError(str(error)) from error
            if error.status == HTTPStatus.NOT_FOUND:
                raise NoFeedError(
                    f"{error}. Is chassis.ownership there older than this one?"
                ) from error
            raise


def _read(body: Any) -> FeedPage:
    tables = {
        table: {column["name"]: Kind(column["kind"]) for column in description["columns"]}
        for table, description in body["tables"].items()
    }
    rows: defaultdict[str, list[Mapping[str, object]]] = defaultdict(list)
    deleted: defaultdict[str, list[object]] = defaultdict(list)
    event_ids: dict[str, tuple[str, object]] = {}
    for event in body["events"]:
        if event["specversion"] != "1.0" or event["type"] not in (CHANGED, DELETED):
            raise ValueError(f"an event {event['type']} of CloudEvents {event['specversion']}")
        data = event["data"]
        table, key, row = data["table"], data["key"], data["row"]
        if (row is None) != (event["type"] == DELETED):
            raise ValueError(f"an event {event['type']} whose row is {row!r}")
        event_ids[_text(event["id"])] = table, key
        if row is None:
            deleted[table].append(key)
        elif set(row) == set(tables[table]):
            rows[table].append(row)
        else:
            raise ValueError(f"a row of {table} with other columns than those of the page")
    position, incarnation = int(body["position"]), _text(body["incarnation"])
    return FeedPage(
        incarnation=incarnation,
        position=position,
        event_ids=event_ids,
        changed={
            table: SourcePage(
                columns=tables[table],
                key=body["tables"][table]["key"],
                rows=found,
                position=position,
                incarnation=incarnation,
            )
            for table, found in rows.items()
        },
        deleted=deleted,
        next=_text(body["next"]),
        more=bool(body["more"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} where a text belongs")
    return value
