"""One backfill of a capability at a time, held by the operating system or the database.

The lock goes with its holder, however that ends: no lease to wait for after a kill -9. It gives the early, clear
refusal; that no two writers ever mix is the cursor's `step`, which each chunk compares and raises.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.db import connections


class AlreadyRunningError(Exception):
    """Another process is at it."""


@contextmanager
def only_one(capability: str, using: str) -> Iterator[None]:
    """Raises AlreadyRunningError at once when another backfill of `capability` writes into this database."""
    vendor = connections[using].vendor
    if vendor == "postgresql":
        with _advisory_lock(capability, using):
            yield
    elif vendor == "sqlite":
        with _locked_file(capability, using):
            yield
    else:
        raise ImproperlyConfigured(
            f"backfill knows PostgreSQL and SQLite; {using} is a {vendor} database"
        )


@contextmanager
def _advisory_lock(capability: str, using: str) -> Iterator[None]:
    digest = hashlib.sha256(f"chassis.backfill:{capability}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        if cursor.fetchone() != (True,):
            raise AlreadyRunningError
    try:
        yield
    finally:
        if connections[using].is_usable():  # a lost connection has released it already
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


@contextmanager
def _locked_file(capability: str, using: str) -> Iterator[None]:
    database = str(connections[using].settings_dict["NAME"])
    if ":memory:" in database or "mode=memory" in database:  # no other process can see it
        yield
        return
    digest = hashlib.sha256(capability.encode()).hexdigest()[:8]
    path = Path(f"{database.removeprefix('file:').partition('?')[0]}-backfill-{digest}.lock")
    # The file stays: removing it would let two processes lock two files of one name.
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError from error
        yield
