"""A card gateway as tests run it: a real process on a port that the kernel chooses and a restart keeps."""

import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

APPROVED = "4242424242424242"
START_TIMEOUT_S = 60


class GatewayProcess:
    """Serves when the constructor returns. Use it in a ``with``, which ends it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.ledger = folder / "ledger.sqlite3"
        self.log = folder / "gateway.log"
        self.options = options
        self._port = 0
        self.start()

    def start(self) -> None:
        """Start it (again) on its port and ledger."""
        # Bound here and inherited: requests wait in the kernel until it is up, and nobody takes the port.
        with (
            socket.create_server(("127.0.0.1", self._port)) as listener,
            self.log.open("ab") as log,
        ):
            self._port = listener.getsockname()[1]
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "card_gateway", "--ledger", str(self.ledger)),
                    *("--fd", str(listener.fileno()), *self.options),
                ],
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        requests.get(f"{self.url}/livez", timeout=START_TIMEOUT_S).raise_for_status()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it politely; give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def __enter__(self) -> "GatewayProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def charge(
        self, key: str, number: str = APPROVED, *, timeout: float = 20, **changes: Any
    ) -> requests.Response:
        """Ask for a charge; ``changes`` replace what is in the body, and None removes it."""
        body = {
            "amount": "12.50",
            "currency": "EUR",
            "card": {"number": number, "expiry": "04/39", "cvc": "123"},
            "reference": "S-1",
            "return_url": "http://127.0.0.1:8100/back",
        }
        body = {name: value for name, value in (body | changes).items() if value is not None}
        return requests.post(
            f"{self.url}/charges", json=body, headers={"Idempotency-Key": key}, timeout=timeout
        )

    def refund(self, charge: str, key: str, amount: str) -> requests.Response:
        """Ask for a refund of a charge."""
        return requests.post(
            f"{self.url}/charges/{charge}/refunds",
            json={"amount": amount},
            headers={"Idempotency-Key": key},
            timeout=20,
        )

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON at a path."""
        return requests.get(f"{self.url}{path}", parameters, timeout=20).json()

    def entries(self) -> list[tuple[str, int]]:
        """Kind and cents of every entry, read from the file, whether the process lives or not."""
        with closing(sqlite3.connect(self.ledger)) as db:
            return db.execute("SELECT kind, amount FROM entry ORDER BY id").fetchall()
