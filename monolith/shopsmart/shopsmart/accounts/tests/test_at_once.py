"""Two windows of one shopper at once: processes, since a thread's database is not another's."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsmart.notifications.tests.own_shop import OwnShop, own_shop

pytestmark = pytest.mark.slow

WINDOWS, TURNS = 4, 5
MAKE = """
import django; django.setup()
from shopsmart.accounts.models import User
User.objects.create_user("ada", "ada@example.org")
"""
ADDRESSES = """
import sys
import django; django.setup()
from shopsmart.accounts import services
from shopsmart.accounts.models import Address, User
ada = User.objects.get()
print("ready", flush=True)
sys.stdin.readline()
for turn in range({turns}):
    home = dict(line1="1", postcode="1", city="Bonn", country="DE")
    made = services.add_address(user=ada, name="{window}-%s" % turn, make_default=turn % 2 == 0, **home)
    if turn == 3:
        services.delete_address(address=made)
"""
TOKENS = """
import sys
import django; django.setup()
from django.core.exceptions import ValidationError
from shopsmart.accounts import services
from shopsmart.accounts.models import User
ada = User.objects.get()
services.MAX_TOKENS = 3
print("ready", flush=True)
sys.stdin.readline()
for turn in range({turns}):
    try:
        services.create_token(user=ada, name="{window}-%s" % turn)
    except ValidationError:
        pass
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[OwnShop]:
    environment = {"DJANGO_SETTINGS_MODULE": "shopsmart.settings", "MAIL_AT_ONCE": "0"}
    with own_shop(tmp_path, **environment) as shop:
        assert shop.run("-c", MAKE).returncode == 0
        yield shop


def in_all_windows(shop: OwnShop, script: str) -> None:
    """Let the script run in several processes that begin at the same moment."""
    windows = [
        shop.start("-c", script.format(window=n, turns=TURNS), stdin=subprocess.PIPE)
        for n in range(WINDOWS)
    ]
    for window in windows:
        assert window.stdout is not None
        assert window.stdout.readline() == "ready\n"
    for window in windows:
        assert window.stdin is not None
        window.stdin.write("go\n")
        window.stdin.flush()
    for window in windows:
        _, err = window.communicate(timeout=60)
        assert window.returncode == 0, err


def test_there_is_one_default_whatever_happens_at_once(shop: OwnShop) -> None:
    in_all_windows(shop, ADDRESSES)
    defaults = Counter(bool(row[0]) for row in shop.sql("SELECT is_default FROM accounts_address"))
    assert defaults == {True: 1, False: WINDOWS * (TURNS - 1) - 1}


def test_nobody_gets_more_tokens_by_asking_twice_at_once(shop: OwnShop) -> None:
    in_all_windows(shop, TOKENS)
    assert shop.sql("SELECT count(*) FROM accounts_apitoken") == [(3,)]
