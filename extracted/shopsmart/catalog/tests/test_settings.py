"""The environment decides, and what is wrong in it stops the start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "SECRET_KEY")}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_sqlite_is_set_up_for_readers_beside_a_writer(tmp_path: Path) -> None:
    script = (
        "from django.db import connection as c; k = c.cursor();"
        "print([k.execute(f'PRAGMA {p}').fetchone()[0] for p in"
        " ('journal_mode', 'busy_timeout', 'foreign_keys')], c.transaction_mode)"
    )
    done = manage(
        "shell", "-v", "0", "-c", script, DATABASE_URL=f"sqlite:///{tmp_path / 'c.sqlite3'}"
    )
    assert done.stdout.strip() == "['wal', 20000, 1] IMMEDIATE", done.stderr


def test_a_service_that_others_reach_needs_a_key_of_its_own() -> None:
    done = manage("check", ALLOWED_HOSTS="shop.example")
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr
    assert manage("check", ALLOWED_HOSTS="shop.example", SECRET_KEY="x" * 50).returncode == 0


def test_a_switch_that_is_neither_on_nor_off_is_refused() -> None:
    done = manage("check", TRUST_X_FORWARDED_PROTO="yes")
    assert done.returncode != 0
    assert "TRUST_X_FORWARDED_PROTO is 0 or 1, not 'yes'" in done.stderr


@pytest.mark.parametrize("missing", ["CHASSIS_SOURCE_URL", "CHASSIS_CREDENTIAL"])
def test_backfill_says_what_it_lacks(missing: str) -> None:
    given = {"CHASSIS_SOURCE_URL": "http://127.0.0.1:9", "CHASSIS_CREDENTIAL": "x" * 30}
    done = manage("backfill", **{k: v for k, v in given.items() if k != missing})
    assert done.returncode == 2
    assert missing in done.stderr


def test_no_migration_is_missing() -> None:
    assert manage("makemigrations", "--check", "--dry-run").returncode == 0
