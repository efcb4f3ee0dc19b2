"""The test project as real processes, each side with a database of its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(database: str, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        **more,
    }


def manage(env: Mapping[str, str], *arguments: str) -> str:
    """Runs a command to its end; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "tests/manage.py", *arguments],
        cwd=ROOT,
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serving(env: Mapping[str, str]) -> Iterator[str]:
    """A server process in front of the project; yields its URL once it accepts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.serve", str(listener.fileno())],
            cwd=ROOT,
            env=env,
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        # The kernel queues connections from the start, so a first request simply waits for the server.
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
