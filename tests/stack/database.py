"""A database of the stack as somebody beside Django sees it: plain SQL, on SQLite and PostgreSQL alike."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg

# As long as Django's processes wait for each other on SQLite.
BUSY_TIMEOUT_S = 20

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Database:
    """One database by its URL. Every call has a connection of its own, as another process would."""

    url: str

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite:")

    @contextmanager
    def connection(self) -> "Iterator[sqlite3.Connection | psycopg.Connection]":
        """An open one that commits each statement by itself; BEGIN and COMMIT may be written."""
        if self.is_sqlite:
            path = urlsplit(self.url).path
            opened = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            with closing(opened) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = NORMAL")
                yield connection
        else:
            with closing(psycopg.connect(self.url, autocommit=True)) as connection:
                yield connection

    def rows(self, query: str) -> Rows:
        """What a query gives."""
        with self.connection() as connection:
            return ask(connection, query)

    def run(self, *statements: str) -> None:
        """All of them in one transaction."""
        with self.connection() as connection:
            for statement in ("BEGIN", *statements, "COMMIT"):
                tell(connection, statement)


def ask(connection: "sqlite3.Connection | psycopg.Connection", query: str) -> Rows:
    """What a query gives on an open connection."""
    if isinstance(connection, sqlite3.Connection):
        return connection.execute(query).fetchall()
    return connection.execute(query.encode()).fetchall()


def tell(connection: "sqlite3.Connection | psycopg.Connection", statement: str) -> int:
    """Run a statement that gives no rows; gives how many it touched."""
    if isinstance(connection, sqlite3.Connection):
        return connection.execute(statement).rowcount
    return connection.execute(statement.encode()).rowcount


def literal(value: object) -> str:
    """A value written as SQL, for tests alone."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return repr(value)
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def select(table: str, columns: Sequence[str], where: str = "TRUE") -> str:
    """A query for some columns, in the order of the first."""
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY {columns[0]}"  # noqa: S608
