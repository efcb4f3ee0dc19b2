"""Ways to the database under test: Django's connection with plain SQL, threads, and connections that are none of Django's."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections

sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own way")
postgresql_only = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="PostgreSQL's own way"
)


def execute(*statements: str, values: Sequence[object] = ()) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values or None)


def in_thread(work: Callable[[], Any]) -> Any:
    """For a thread of a pool: it leaves no connection behind."""
    try:
        return work()
    finally:
        connections.close_all()


def plain_database() -> str:
    """What a plain driver connects to: SQLite's file, or PostgreSQL's parameters."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(settings["NAME"])
    parts = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    given = {part: settings[name] for part, name in parts.items() if settings[name]}
    return " ".join(
        f"{part}={value}" for part, value in {"dbname": settings["NAME"], **given}.items()
    )


@contextmanager
def second_connection() -> Iterator[Any]:
    """Commits each statement, until it is told BEGIN."""
    if connection.vendor == "sqlite":
        other: Any = sqlite3.connect(
            plain_database(), isolation_level=None, timeout=20, check_same_thread=False
        )
    else:
        import psycopg

        other = psycopg.connect(plain_database(), autocommit=True)
    try:
        yield other
    finally:
        other.close()
