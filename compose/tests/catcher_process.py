"""A mail catcher as tests run it: a real process on ports that the kernel chooses."""

import re
import signal
import smtplib
import subprocess
import sys
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

import requests


class CatcherProcess:
    """Serves when the constructor returns. Use it in a ``with``, which ends it."""

    def __init__(self, box: Path, *options: str) -> None:
        self.box = box
        self.log = box.with_suffix(".log")
        self.options = options
        self.start()

    def start(self) -> None:
        """Start it (again) on its box."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mail_catcher", "--box", str(self.box)),
                    *("--port", "0", "--smtp-port", "0", *self.options),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        banner = self.process.stdout.readline()
        ports = re.findall(r":(\d+)", banner)
        assert len(ports) == 2, banner + self.log.read_text()
        self.smtp_port = int(ports[0])
        self.url = f"http://127.0.0.1:{ports[1]}"

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """End it politely; give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def __enter__(self) -> "CatcherProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.kill()

    def client(self) -> smtplib.SMTP:
        """A connection to its SMTP side; to be used in a ``with``."""
        return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=20)

    def send(
        self, subject: str, *, to: Sequence[str] = ("ann@shop.example",), text: str = "Hello.\n"
    ) -> None:
        """Have a mail taken."""
        mail = EmailMessage()
        mail["Subject"] = subject
        mail["From"] = "ShopSmart <shop@shop.example>"
        mail["To"] = ", ".join(to)
        mail.set_content(text)
        with self.client() as client:
            client.send_message(mail)

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON at a path."""
        return requests.get(f"{self.url}{path}", parameters, timeout=20).json()

    def subjects(self, **parameters: str) -> list[str]:
        """Of the mails that are listed, in that order."""
        return [mail["subject"] for mail in self.get("/api/mails", **parameters)["mails"]]
