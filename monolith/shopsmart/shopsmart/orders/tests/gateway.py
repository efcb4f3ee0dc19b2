"""A real card gateway for tests: a process with a ledger of its own, and the money as that ledger knows it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

START_TIMEOUT_S = 30
APPROVED = "4242424242424242"
DECLINED = "4000000000009995"
CONFIRM = "4000000000003220"
CHARGED_AND_BROKEN = "4000000000000119"
NEVER_CHARGED = "4000000000000341"


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where it listens. Entries up to `since` are of no matter: each test begins after those before it."""

    url: str
    since: int = 0

    def entries(self, reference: str = "") -> list[dict[str, Any]]:
        """What moved for a reference, or for all, in its order."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["id"] if found else self.since
            asked = {"after": after, **({"reference": reference} if reference else {})}
            page = requests.get(f"{self.url}/ledger", asked, timeout=10).json()["entries"]
            if not page:
                return found
            found += page

    def moved(self, reference: str) -> list[Decimal]:
        """The amounts that moved for a reference: charges are positive, refunds negative."""
        return [Decimal(entry["amount"]) for entry in self.entries(reference)]

    def answer(self, confirmation_url: str, answer: str) -> str:
        """Say yes or no as the card holder; gives where that leads."""
        said = requests.post(
            confirmation_url, {"answer": answer}, allow_redirects=False, timeout=10
        )
        assert said.status_code == 303
        return said.headers["Location"]


@contextmanager
def run_gateway(ledger: Path) -> Iterator[Gateway]:
    """A gateway with this ledger, up until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://127.0.0.1:{1}".format(*listener.getsockname())
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "card_gateway"),
                *("--fd", str(listener.fileno()), "--ledger", str(ledger)),
            ],
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        # The socket listens already: the first request just waits for the process.
        requests.get(f"{url}/livez", timeout=START_TIMEOUT_S).raise_for_status()
        yield Gateway(url)
    finally:
        process.terminate()
        process.wait(timeout=30)
