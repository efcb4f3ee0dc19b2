"""What only a real WSGI server shows: that the application reads the path that was routed."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

APPLICATION = """
def application(environ, start_response):
    body = f"{environ.get('SCRIPT_NAME')}|{environ['PATH_INFO']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[int]:
    """Gunicorn as it comes, without settings of ours; its port."""
    (tmp_path / "told.py").write_text(APPLICATION)
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--bind",
        "127.0.0.1:0",
        "--no-control-socket",
        "told:application",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line):
                break
        assert found is not None
        yield int(found[1])
        process.send_signal(signal.SIGTERM)
        process.stderr.read()


async def test_no_header_of_a_client_moves_the_path_that_the_application_reads(
    start_proxy: Any, gunicorn: int
) -> None:
    proxy = await start_proxy(gunicorn)
    for header in ("SCRIPT_NAME: /x", "script_name: /x", "Path_Info: /_chassis/readyz"):
        answer = await proxy.get("/x/_chassis/readyz", header)
        assert answer.body == b"|/x/_chassis/readyz", header
    assert proxy.count("dropped_headers", reason="folded") == 3
