"""A source in memory: small enough to be plainly right, and to be read at any moment between two writes.

It keeps its `history`, so that a test can say how old a row is. Every write is one transaction; the position is their
number. It answers as `chassis.ownership.source` reads the real one.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from chassis.ownership.source.feed import CursorGoneError, FeedPage, Head
from chassis.ownership.source.rows import SourcePage
from chassis.ownership.values import Kind

SHELF, BOOK = "library_shelf", "library_book"
COLUMNS: Mapping[str, Mapping[str, Kind]] = {
    SHELF: {
        "id": Kind.INTEGER,
        "above_id": Kind.INTEGER,
        "name": Kind.TEXT,
        "closed": Kind.BOOLEAN,
    },
    BOOK: {
        "isbn": Kind.TEXT,
        "title": Kind.TEXT,
        "shelf_id": Kind.INTEGER,
        "author_name": Kind.TEXT,
        "author_country": Kind.TEXT,
        "price": Kind.DECIMAL,
        "added_at": Kind.TIMESTAMP,
        "changed_at": Kind.TIMESTAMP,
    },
}
KEY = {SHELF: "id", BOOK: "isbn"}
MOMENT = "2026-01-02T03:04:05.678901Z"

Row = Mapping[str, Any]
State = Mapping[str, Mapping[Any, Row]]


class ModelSource:
    """`between` is called after each reading, before it is handed out: whatever it does then happens meanwhile."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.between: Callable[[], None] = lambda: None
        self.incarnation = "first"
        self.history: list[State] = [{SHELF: {}, BOOK: {}}]
        """Every state that it ever had."""
        self.position = 0
        self.log: list[tuple[str, Any]] = []
        self.pruned_through = 0

    @property
    def state(self) -> State:
        return self.history[-1]

    # --- as chassis.ownership.source.rows.Source

    def page(
        self,
        table: str,
        after: Any,
        limit: int,
        *,
        only_key: bool = False,
        count: bool = False,
    ) -> SourcePage:
        rows = self.state[table]
        keys = [key for key in sorted(rows) if after is None or key > after]
        some = keys[:limit]
        columns = {KEY[table]: COLUMNS[table][KEY[table]]} if only_key else COLUMNS[table]
        return self._handed_out(
            SourcePage(
                columns,
                KEY[table],
                [{name: rows[key][name] for name in columns} for key in some],
                some[-1] if len(keys) > limit else None,
                len(rows) if count else None,
                self.position,
                self.incarnation,
            )
        )

    def rows(self, table: str, keys: Sequence[Any]) -> Iterator[tuple[Sequence[Any], SourcePage]]:
        # In more than one request, as many keys would be.
        for part in (keys[:2], keys[2:]):
            if part:
                rows = self.state[table]
                found = [rows[key] for key in part if key in rows]
                page = SourcePage(
                    COLUMNS[table],
                    KEY[table],
                    found,
                    position=self.position,
                    incarnation=self.incarnation,
                )
                yield part, self._handed_out(page)

    def _handed_out(self, page: Any) -> Any:
        self.between()
        return page

    # --- writing

    def write(self) -> None:
        """One random transaction that leaves every reference and every unique name as a database would have it."""
        shelves = {key: dict(row) for key, row in self.state[SHELF].items()}
        books = {key: dict(row) for key, row in self.state[BOOK].items()}
        logged: list[tuple[str, Any]] = []
        for _ in range(self.draw.choice([1, 1, 1, 2, 5])):
            logged += self._change(shelves, books)
        self.history.append({SHELF: shelves, BOOK: books})
        self.log += logged
        self.position += 1

    def restore(self) -> None:
        """As from a backup: an earlier state, under a new incarnation, and positions from the start."""
        self.history.append(self.draw.choice(self.history))
        self.log, self.position, self.pruned_through = [], 0, 0
        self.incarnation += "'"

    def prune(self) -> None:
        self.pruned_through = self.draw.randint(self.pruned_through, len(self.log))

    def _change(self, shelves: dict[Any, Any], books: dict[Any, Any]) -> list[tuple[str, Any]]:
        draw = self.draw
        free = sorted(set(range(1, 10)) - shelves.keys())
        names = sorted({f"S{n}" for n in range(12)} - {row["name"] for row in shelves.values()})
        kind = draw.choice(
            ["shelf", "swap", "move", "drop", "book", "book", "price", "rename", "rekey"]
        )
        if kind == "shelf" and free:
            key = draw.choice(free)
            above = draw.choice([None, *shelves])
            shelves[key] = {"id": key, "above_id": above, "name": names[0], "closed": False}
            return [(SHELF, key)]
        if kind == "swap" and len(shelves) > 1:
            one, two = draw.sample(sorted(shelves), 2)
            shelves[one]["name"], shelves[two]["name"] = shelves[two]["name"], shelves[one]["name"]
            return [(SHELF, one), (SHELF, two)]
        if kind == "move" and shelves:
            key = draw.choice(sorted(shelves))
            shelves[key] |= {
                "above_id": draw.choice([None, *shelves]),
                "closed": draw.random() < 0.5,
                "name": draw.choice([shelves[key]["name"], *names]),
            }
            return [(SHELF, key)]
        if kind == "drop" and shelves:
            return _drop(draw.choice(sorted(shelves)), shelves, books, draw)
        if kind == "book" and shelves:
            isbn = draw.choice("abcdefgh")
            if isbn in books and draw.random() < 0.4:
                del books[isbn]
            else:
                books[isbn] = _book(isbn, draw.choice(sorted(shelves)), draw)
            return [(BOOK, isbn)]
        if kind == "rekey" and books:
            old, new = draw.choice(sorted(books)), draw.choice("abcdefgh")
            if new not in books:
                books[new] = books.pop(old) | {"isbn": new}
                return [(BOOK, old), (BOOK, new)]
        if kind == "rename":  # an author, whom several books show
            author, name = draw.choice(["Å", "B"]), f"name {draw.random()}"
            written = [isbn for isbn in books if books[isbn]["author_country"] == author]
            for isbn in written:
                books[isbn] = books[isbn] | {"author_name": name}
            return [(BOOK, isbn) for isbn in written]
        return [(BOOK, draw.choice("abcdefgh"))]  # needless entries do no harm


class ModelFeed:
    """As chassis.ownership.source.feed.Feed."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source

    def head(self) -> Head:
        source = self._source
        head = Head(f"{source.incarnation}:{len(source.log)}", source.incarnation)
        source.between()
        return head

    def page(self, after: str, limit: int) -> FeedPage:
        source = self._source
        incarnation, _, number = after.rpartition(":")
        if incarnation != source.incarnation or int(number) < source.pruned_through:
            source.between()
            raise CursorGoneError("cursor_gone: copy again")
        begin, state = int(number), source.state
        end = min(begin + limit, len(source.log))
        last = {entry: number for number, entry in enumerate(source.log[begin:end], begin)}
        events = sorted(last, key=last.__getitem__)
        changed: dict[str, SourcePage] = {}
        for table in {table for table, key in events if key in state[table]}:
            rows = [state[t][key] for t, key in events if t == table and key in state[t]]
            changed[table] = SourcePage(
                COLUMNS[table],
                KEY[table],
                rows,
                position=source.position,
                incarnation=source.incarnation,
            )
        page = FeedPage(
            incarnation=source.incarnation,
            position=source.position,
            event_ids={f"{source.incarnation}:{last[event]}": event for event in events},
            changed=changed,
            deleted={
                table: [key for t, key in events if t == table and key not in state[t]]
                for table in state
            },
            next=f"{source.incarnation}:{end}",
            more=end < len(source.log),
        )
        source.between()
        return page


def _book(isbn: str, shelf: int, draw: random.Random) -> Row:
    return {
        "isbn": isbn,
        "title": f"T{draw.random()}",
        "shelf_id": shelf,
        "author_name": f"name {draw.random()}",
        "author_country": draw.choice(["Å", "B"]),
        "price": f"{draw.randrange(10_000) / 100:.2f}",
        "added_at": MOMENT,
        "changed_at": MOMENT,
    }


def _drop(
    key: int, shelves: dict[Any, Any], books: dict[Any, Any], draw: random.Random
) -> list[tuple[str, Any]]:
    """A shelf goes; what stood on it or hung below it goes too, or moves."""
    del shelves[key]
    logged = []
    for isbn in [isbn for isbn, row in books.items() if row["shelf_id"] == key]:
        if shelves and draw.random() < 0.5:
            books[isbn] = dict(books[isbn]) | {"shelf_id": draw.choice(sorted(shelves))}
        else:
            del books[isbn]
        logged.append((BOOK, isbn))
    for below in [k for k, row in shelves.items() if row["above_id"] == key]:
        shelves[below]["above_id"] = draw.choice([None, *(set(shelves) - {below})])
        logged.append((SHELF, below))
    draw.shuffle(logged)
    return [*logged, (SHELF, key)]
