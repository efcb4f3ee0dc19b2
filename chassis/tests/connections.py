"""Connections that are none of Django's: plain drivers to the database under test."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


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
