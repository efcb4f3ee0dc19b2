"""A seed that ends in the middle leaves nothing, whether it is stopped, killed or has no room."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError
from django.db import connection

from shopsmart.accounts.models import User
from shopsmart.catalog.seeding.write import is_seeded
from shopsmart.orders.models import Order
from shopsmart.promotions.models import Promotion
from shopsmart.seeding import write

HERE = Path(__file__).resolve().parents[3]
Seed = Callable[..., str]


@pytest.mark.django_db(transaction=True)
def test_stopped_among_the_orders_it_leaves_nothing(
    seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object) -> None:
        assert Order.objects.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(write._Past, "write_stock", stop)
    with pytest.raises(KeyboardInterrupt):
        seed("--products", "40")
    assert not is_seeded()
    assert not User.objects.exists()
    assert not Order.objects.exists()
    monkeypatch.undo()
    assert "120 orders" in seed("--products", "40")


@pytest.mark.django_db(transaction=True)
def test_what_stands_in_the_way_is_told_and_nothing_changes(seed: Seed) -> None:
    Promotion.objects.create(code="WELCOME10", kind="percent", value=5)
    with pytest.raises(CommandError, match=r"in the way: .*code.* Nothing was changed"):
        seed("--products", "40")
    assert not is_seeded()


@pytest.mark.django_db(transaction=True)
def test_without_roles_the_way_out_is_named(seed: Seed) -> None:
    Group.objects.all().delete()
    with pytest.raises(CommandError, match=r"groups of the staff.*manage\.py migrate"):
        seed("--products", "40")
    assert not is_seeded()


@pytest.mark.django_db
def test_an_account_with_the_name_of_a_role_comes_to_no_rights(seed: Seed) -> None:
    User.objects.create_user("desk", "own@example.com", "own-password")
    seed("--products", "40", "--orders", "20")
    own = User.objects.get(username="desk")
    assert (own.is_staff, own.groups.count(), own.check_password("own-password")) == (
        False, 0, True
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("products", "orders"), [("1", "0"), ("1", "7"), ("64", "192")])
def test_small_shops_have_a_past_too(seed: Seed, products: str, orders: str) -> None:
    said = seed("--products", products, "--orders", orders)
    assert f"and {Order.objects.count()} orders" in said


@pytest.mark.parametrize("number", ["-1", "x", "1000001", "1.5"])
def test_a_number_of_orders_that_cannot_be_is_refused(seed: Seed, number: str) -> None:
    with pytest.raises(CommandError, match="is no whole number from 0 to"):
        seed("--orders", number)


SCRIPT = """
import os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "shopsmart.settings"
import django
django.setup()
from django.core.management import call_command
from shopsmart.seeding import write

def stop(past):
    print("stopped", flush=True)
    time.sleep(600)

write._Past.write_stock = stop
call_command("seed", "--products", "100")
"""


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="its shop is a file, whatever the tests are on"
)
@pytest.mark.slow
def test_killed_in_the_middle_it_leaves_nothing_and_can_be_run_again(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.sqlite3",
        "MEDIA_ROOT": f"{tmp_path}/media",
    }

    def start(*arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=HERE,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    start("manage.py", "migrate", "-v0").communicate(timeout=110)
    empty = count(tmp_path)
    running = start("-c", SCRIPT)
    assert running.stdout is not None
    assert running.stdout.readline() == "stopped\n"  # all orders are written; the stock is not
    running.kill()
    running.communicate()
    assert count(tmp_path) == empty

    said, _ = start("manage.py", "seed", "--products", "100").communicate(timeout=110)
    assert "100 products" in said
    rows = count(tmp_path)
    assert (rows["catalog_product"], rows["orders_order"]) == (100, 300)


def count(folder: Path) -> dict[str, int]:
    """How many rows each table has."""
    with closing(sqlite3.connect(folder / "shop.sqlite3")) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        query = "SELECT count(*) FROM {}"
        return {name: db.execute(query.format(name)).fetchone()[0] for (name,) in tables}
