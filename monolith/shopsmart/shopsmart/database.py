"""Turns DATABASE_URL into Django's DATABASES entry: SQLite to begin with, PostgreSQL where it is run.

Written here because it is a page, and because the SQLite options below are what keeps concurrent
shoppers from ever meeting "database is locked".
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# A writer waits this long for the one before it. Django's requests write for milliseconds.
SQLITE_BUSY_TIMEOUT_S = 20


def database_from_url(url: str, *, directory: Path) -> dict[str, Any]:
    """The DATABASES entry for `url`; a relative SQLite path starts at `directory`.

    Understands `sqlite:///relative.sqlite3`, `sqlite:////absolute.sqlite3`, and
    `postgresql://user:password@host:port/name?sslmode=require` (options go to libpq; `host` may be
    among them, for a socket directory). Raises ImproperlyConfigured, never showing the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured("DATABASE_URL is no URL: check its host and port.") from error
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme == "sqlite":
        if parts.netloc or not name:
            raise ImproperlyConfigured(
                "DATABASE_URL for SQLite has three slashes and a path: sqlite:///shop.sqlite3, "
                "or four for an absolute one: sqlite:////var/lib/shop.sqlite3."
            )
        if name == ":memory:":
            raise ImproperlyConfigured(
                "DATABASE_URL names a database in memory, which no two connections share: give the "
                "path of a file."
            )
        return _sqlite(directory / name)
    if parts.scheme in ("postgres", "postgresql"):
        if not name:
            raise ImproperlyConfigured("DATABASE_URL names no database: postgresql://host/NAME.")
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(port or ""),
            "OPTIONS": dict(parse_qsl(parts.query)),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured(
        f"DATABASE_URL begins with {parts.scheme or 'nothing'}:, but the shop knows sqlite: and "
        "postgresql: only."
    )


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "timeout": SQLITE_BUSY_TIMEOUT_S,
            # A transaction that begins as a reader and then writes can't wait: SQLite answers
            # "database is locked" at once, whatever the time-out, since the snapshot it has read
            # may be stale. IMMEDIATE takes the write lock first, where waiting is possible.
            "transaction_mode": "IMMEDIATE",
            # WAL: readers never wait for a writer, nor a writer for readers. In WAL, NORMAL can
            # lose the last commits when the machine (not the process) dies, and corrupts nothing.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
