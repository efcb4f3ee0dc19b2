from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from shopsmart.database import database_from_url

HERE = Path("/srv/shop")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///shop.sqlite3", "/srv/shop/shop.sqlite3"),
        ("sqlite:///data/my%20shop.sqlite3", "/srv/shop/data/my shop.sqlite3"),
        ("sqlite:////var/lib/shop.sqlite3", "/var/lib/shop.sqlite3"),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: str) -> None:
    assert database_from_url(url, directory=HERE)["NAME"] == Path(path)


def test_a_postgresql_url_is_taken_apart() -> None:
    url = "postgresql://ada:p%40ss%2Fword@db.example:5433/shop?sslmode=require"
    database = database_from_url(url, directory=HERE)
    assert {key: database[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "shop",
        "USER": "ada",
        "PASSWORD": "p@ss/word",
        "HOST": "db.example",
        "PORT": "5433",
    }
    assert database["OPTIONS"] == {"sslmode": "require"}


def test_a_postgresql_url_may_leave_most_to_libpq() -> None:
    database = database_from_url("postgres:///shop?host=/run/postgresql", directory=HERE)
    assert (database["HOST"], database["PORT"], database["OPTIONS"]) == (
        "", "", {"host": "/run/postgresql"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://ada:secret@db/shop", "begins with mysql:"),
        ("shop.sqlite3", "begins with nothing:"),
        ("", "begins with nothing:"),
        ("sqlite://shop.sqlite3", "three slashes"),
        ("sqlite:///", "three slashes"),
        ("sqlite:///:memory:", "path of a file"),
        ("postgresql://ada:secret@db", "names no database"),
        ("postgresql://ada:secret@db:port/shop", "is no URL"),
        ("postgresql://ada:secret@[::1/shop", "is no URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(url: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said) as caught:
        database_from_url(url, directory=HERE)
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL waits by itself")
@pytest.mark.django_db
def test_writers_on_sqlite_wait_instead_of_failing() -> None:
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == (20_000,)
        assert cursor.execute("PRAGMA synchronous").fetchone() == (1,)
    assert connection.transaction_mode == "IMMEDIATE"
