"""A lock as another process holds it: through a connection, or a file descriptor, of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_HOLD = """
import sys
import django
django.setup()
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
from chassis.ownership.backfill.lock import only_one
with only_one(sys.argv[2], sys.argv[3], "default"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def lock_of_another_process(work: str, capability: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(connection.settings_dict["NAME"]), work, capability],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
    finally:
        process.communicate(timeout=20)
