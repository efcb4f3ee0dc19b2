"""Large bodies, one after the other on one kept connection, each byte compared: ``python -m benchmarks.load.fetch``.

A JSON on stdin (port, requests, answer, seconds) says what to fetch for how long, at least once; a JSON on stdout how often
it came.
"""

import json
import socket
import sys
import time
from pathlib import Path

from benchmarks.load.answers import Answers, Unexpected, take_answer
from benchmarks.load.closed_loop import BETWEEN

_TIMEOUT_S = 60.0


def fetch(port: int, requests: list[bytes], expected: bytes, seconds: float) -> tuple[int, float]:
    """How many whole answers came, and in how many seconds."""
    answers = Answers(expected)
    count = 0
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as connection:
        while count == 0 or time.perf_counter() - began < seconds:
            connection.sendall(requests[count % len(requests)])
            take_answer(connection, answers)
            count += 1
    return count, time.perf_counter() - began


def main() -> int:
    order = json.load(sys.stdin)
    requests = Path(order["requests"]).read_bytes().split(BETWEEN)
    try:
        count, took = fetch(
            order["port"], requests, Path(order["answer"]).read_bytes(), order["seconds"]
        )
    except (Unexpected, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump({"requests": count, "seconds": took}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
