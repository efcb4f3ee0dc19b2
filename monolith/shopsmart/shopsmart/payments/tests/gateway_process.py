"""A real card gateway that a test may kill, and the money as its ledger file knows it, whether it lives or not."""

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID

import requests

APPROVED = "4242424242424242"
DECLINED = "4000000000009995"
CONFIRM = "4000000000003220"
LATE = "4000000000006975"  # charged at once, answered when nobody waits any more
BROKEN = "4000000000000119"  # charged, and answered by a 500
NEVER = "4000000000000341"  # neither charged nor answered
REFUNDS_REFUSED = "4000000000005126"
REFUNDS_BROKEN = "4000000000007726"  # given back, and answered by a 500

PATIENCE_S = 30


class GatewayProcess:
    """Listens when the constructor returns, on a port that the kernel chose and a restart keeps."""

    def __init__(self, folder: Path) -> None:
        self.ledger = folder / "ledger.sqlite3"
        self.log = folder / "gateway.log"
        self._port = 0
        self.start()

    def start(self) -> None:
        """Start it (again)."""
        # Bound here and inherited: requests wait in the kernel until it is up, and nobody takes the port.
        address = ("127.0.0.1", self._port)
        with socket.create_server(address) as listener, self.log.open("ab") as log:
            self._port = listener.getsockname()[1]
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "card_gateway"),
                    *("--ledger", str(self.ledger), "--fd", str(listener.fileno())),
                ],
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def moved(self, key: UUID | str) -> list[int]:
        """The cents that moved for a payment's key: charged is positive, given back negative."""
        return self._read(
            "SELECT entry.amount FROM entry JOIN charge ON charge.id = entry.charge"
            " WHERE charge.key = ? ORDER BY entry.id",
            str(key),
        )

    def balance_of(self, reference: str) -> int:
        """The cents that an order's number was charged and not given back."""
        return sum(self._read("SELECT amount FROM entry WHERE reference = ?", reference))

    def wait_until_charged(self, key: UUID | str) -> None:
        """Until the ledger holds an entry for this key."""
        _wait(lambda: bool(self.moved(key)))

    def wait_until_holding(self, times: int = 1) -> None:
        """Until it has got so many charges, since it began, that it neither makes nor answers."""
        _wait(lambda: self.log.read_text().count("holding a charge") >= times)

    def answer(self, confirmation_url: str, answer: str) -> None:
        """Say yes or no as the card holder."""
        requests.post(
            confirmation_url, {"answer": answer}, allow_redirects=False, timeout=PATIENCE_S
        ).raise_for_status()

    def _read(self, query: str, *values: str) -> list[int]:
        if not self.ledger.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as db:
            tables = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'entry'").fetchone()
            return [cents for (cents,) in db.execute(query, values)] if tables else []


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
