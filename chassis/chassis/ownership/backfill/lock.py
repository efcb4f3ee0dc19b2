"""One `backfill`, and one `consume`, of a capability at a time, held by the operating system or the database.

The lock goes with its holder, however that ends: no lease to wait for after a kill -9. It gives the early, clear
refusal; that no two writers ever mix is the cursor's `step`, which each chunk and each page compares and raises.
"""

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.db import connections

_TRIES = 20  # a fifth of a second: somebody who looks holds it for an instant
_BETWEEN_TRIES_S = 0.01


class AlreadyRunningError(Exception):
    """Another process is at it."""


@contextmanager
def only_one(work: str, capability: str, using: str) -> Iterator[None]:
    """Raises AlreadyRunningError when another process does this work for `capability` in this database."""
    with _lock(work, capability, using, _TRIES):
        yield


def is_running(work: str, capability: str, using: str) -> bool:
    """Whether a process does this work now."""
    try:
        with _lock(work, capability, using, tries=1):
            return False
    except AlreadyRunningError:
        return True


@contextmanager
def _lock(work: str, capability: str, using: str, tries: int) -> Iterator[None]:
    vendor = connections[using].vendor
    if vendor == "postgresql":
        with _advisory_lock(work, capability, using, tries):
            yield
    elif vendor == "sqlite":
        with _locked_file(work, capability, using, tries):
            yield
    else:
        raise ImproperlyConfigured(
            f"{work} knows PostgreSQL and SQLite; {using} is a {vendor} database"
        )


@contextmanager
def _advisory_lock(work: str, capability: str, using: str, tries: int) -> Iterator[None]:
    digest = hashlib.sha256(f"chassis.{work}:{capability}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)

    def take() -> bool:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
            return bool(cursor.fetchone() == (True,))

    _try(take, tries)
    try:
        yield
    finally:
        if connections[using].is_usable():  # a lost connection has released it already
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


@contextmanager
def _locked_file(work: str, capability: str, using: str, tries: int) -> Iterator[None]:
    database = str(connections[using].settings_dict["NAME"])
    if ":memory:" in database or "mode=memory" in database:  # no other process can see it
        yield
        return
    digest = hashlib.sha256(capability.encode()).hexdigest()[:8]
    path = Path(f"{database.removeprefix('file:').partition('?')[0]}-{work}-{digest}.lock")
    # The file stays: removing it would let two processes lock two files of one name.
    with path.open("a") as file:

        def take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _try(take, tries)
        yield


def _try(take: Callable[[], bool], tries: int) -> None:
    for left in range(tries - 1, -1, -1):
        if take():
            return
        if left:
            time.sleep(_BETWEEN_TRIES_S)
    raise AlreadyRunningError
