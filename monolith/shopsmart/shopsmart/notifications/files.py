"""A mail backend for laptops: each mail is a file that a mail program opens."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.text import get_valid_filename


class FileBackend(BaseEmailBackend):
    """Writes `<Message-ID>.eml` into `EMAIL_FILE_PATH`; a mail that is sent twice is one file.

    The file appears whole or not at all: it is written under another name first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.folder = Path(settings.EMAIL_FILE_PATH)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the mails; gives how many. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for mail in email_messages:
            message = mail.message()
            name = get_valid_filename(message["Message-ID"].strip("<>"))
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as file:
                file.write(message.as_bytes())
            os.replace(file.name, self.folder / f"{name}.eml")  # noqa: PTH105 - says that it is atomic
        return len(email_messages)
