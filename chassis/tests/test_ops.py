"""Alive and ready are two questions."""

from typing import Any

import django
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


def test_livez_asks_nothing_of_the_database(client: Client) -> None:
    answer = client.get("/_chassis/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_when_database_and_migrations_are(client: Client) -> None:
    answer = client.get("/_chassis/readyz")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    checks = answer.json()["checks"]
    assert {name: check["ok"] for name, check in checks.items()} == {
        "database.default": True,
        "migrations.default": True,
        "capture": True,
    }


@pytest.mark.django_db
def test_unapplied_migration_is_named(client: Client) -> None:
    MigrationRecorder(connection).record_unapplied("reading_room", "0001_initial")
    answer = client.get("/_chassis/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    checks = answer.json()["checks"]
    assert checks["database.default"]["ok"]
    assert checks["migrations.default"]["detail"] == "not applied: reading_room.0001_initial"


def test_unreachable_database_is_not_ready(client: Client) -> None:
    # Without the django_db mark every query is refused, as by a database that is away.
    answer = client.get("/_chassis/readyz")
    assert answer.status_code == 503
    assert [c["ok"] for c in answer.json()["checks"].values()] == [False, False, False]


def test_health_is_only_read(client: Client) -> None:
    assert client.post("/_chassis/readyz").status_code == 405
    assert client.head("/_chassis/livez").status_code == 200


@pytest.mark.parametrize("databases", [["replica"], "default", ["default", "default"]])
def test_wrong_ops_declaration_is_refused(settings: Any, client: Client, databases: object) -> None:
    settings.CHASSIS = {"OPS": {"DATABASES": databases}}
    with pytest.raises(Exception, match=r'CHASSIS\["OPS"\]\["DATABASES"\]'):
        client.get("/_chassis/readyz")


@pytest.mark.skipif(django.VERSION < (5, 1), reason="LoginRequiredMiddleware came with Django 5.1")
def test_internal_paths_need_no_login(settings: Any, client: Client) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert client.get("/_chassis/livez").status_code == 200
    assert client.get("/_chassis/rows/lending").status_code == 401


def test_answers_need_no_transaction(client: Client) -> None:
    # Without the django_db mark, opening one would fail.
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert client.get("/_chassis/livez").status_code == 200
        assert client.get("/_chassis/readyz").status_code == 503
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
