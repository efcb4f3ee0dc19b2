"""A shop of its own for tests with several processes: a database that they share and nobody else has."""

import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

FILE = "shop.sqlite3"
HERE = Path(__file__).resolve().parents[3]


class OwnShop:
    """Runs `manage.py` and looks into the database, SQLite or PostgreSQL as the tests themselves are on."""

    def __init__(self, folder: Path, database_url: str, **environment: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "MEDIA_ROOT": f"{folder}/media",
            "LOG_LEVEL": "WARNING",
            **environment,
        }

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A Python process of the shop, such as `manage.py migrate`."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=HERE, env=self.environment, text=True, **options
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same, waited for."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """What a statement gives, on a connection of its own."""
        with self._connection() as own, closing(own.cursor()) as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
            own.commit()
            return rows

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        if self.database_url.startswith("sqlite"):
            with closing(sqlite3.connect(self.folder / FILE, timeout=20)) as own:
                yield own
        else:
            with psycopg.connect(self.database_url) as own:
                yield own


@contextmanager
def own_shop(folder: Path, *, like: OwnShop | None = None, **environment: str) -> Iterator[OwnShop]:
    """A migrated, empty shop, copied from another where there is one; its database goes at the end."""
    with _database(folder, like) as url:
        shop = OwnShop(folder, url, **environment)
        if like is None:
            migrated = shop.run("manage.py", "migrate", "-v0")
            assert migrated.returncode == 0, migrated.stderr
        yield shop


@contextmanager
def _database(folder: Path, like: OwnShop | None) -> Iterator[str]:
    if connection.vendor == "sqlite":
        if like is not None:
            shutil.copy(like.folder / FILE, folder / FILE)
        yield f"sqlite:///{folder / FILE}"
        return
    known = connection.settings_dict
    server = f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}"
    name = f"own_shop_{uuid.uuid4().hex[:12]}"
    template = "" if like is None else f"TEMPLATE {like.database_url.rpartition('/')[2]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} {template}")
        try:
            yield f"{server}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
