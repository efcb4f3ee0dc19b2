"""A shop of real processes on a database file of its own: what is killed here is a process, not a mock."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[3]
PRELUDE = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "shopsmart.settings"
import django
django.setup()
from decimal import Decimal
from shopsmart.accounts.models import User
from shopsmart.cart.tests.make import make_cart
from shopsmart.catalog.models import Variant
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.orders.models import Order
from shopsmart.orders.tests.make import buy
from shopsmart.payments import gateway, services
from shopsmart.payments.models import Payment

def stop(*args, **kwargs):
    print("stopped", flush=True)
    time.sleep(600)

"""


@dataclass(frozen=True)
class Shop:
    """A migrated, empty shop that pays at `gateway_url`."""

    folder: Path
    gateway_url: str

    @property
    def database(self) -> Path:
        return self.folder / "shop.sqlite3"

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "MEDIA_ROOT": str(self.folder / "media"),
            "CARD_GATEWAY_URL": self.gateway_url,
            "CARD_GATEWAY_READ_TIMEOUT": "20",
            "PAYMENT_GIVE_UP_AFTER": "0.001",
            "MAIL_AT_ONCE": "0",
        }

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        return self._run([sys.executable, "manage.py", *arguments])

    def do(self, script: str) -> str:
        """Run a script in the shop to its end; gives what it printed. Raises when it fails."""
        done = self._run([sys.executable, "-c", PRELUDE + script])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, script: str) -> "subprocess.Popen[str]":
        """Start a script in the shop; it is the caller's to kill."""
        return subprocess.Popen(
            [sys.executable, "-c", PRELUDE + script],
            cwd=HERE,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def settle(self) -> dict[str, Any]:
        """Run `settle_payments`; gives what it says."""
        done = self.manage("settle_payments", "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def read(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the database file."""
        with closing(sqlite3.connect(self.database)) as db:
            return db.execute(query).fetchall()

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=HERE,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
