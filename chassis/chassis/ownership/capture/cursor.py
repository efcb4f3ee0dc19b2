"""A place in the log, as text that only its writer reads: the entry that was handed out last.

It names that entry so exactly (with its transaction and its time) that another history of the log, in which the number
was given to another entry, is not taken for this one.

It is signed, with a key made from SECRET_KEY, which all processes of the project share and a restored copy keeps: one
that this log does not have can then only be of another history of it, and makes all readers copy again.
"""

import base64
import binascii
import json
import re
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

MAX_LENGTH = 4000
_SALT = "chassis.ownership.capture.cursor"
_MAX_NUMBER = 2**63 - 1
_FORM = re.compile(
    r"1\.([0-9a-f]{32})\.(\d{1,19})\.(\d{1,19})\.(\d{1,19})(?:\.([\w-]+))?~([\w-]{43})",
    re.ASCII,
)


class SignatureError(Exception):
    """The cursor is not signed with a key of this project."""


@dataclass(frozen=True)
class LogCursor:
    incarnation: uuid.UUID
    xid: int
    id: int
    at: int
    within: tuple[str, str] | None = None
    """The entry is handed out in part: through this reach, up to this key."""

    @property
    def text(self) -> str:
        parts = ["1", self.incarnation.hex, str(self.xid), str(self.id), str(self.at)]
        if self.within is not None:
            within = json.dumps(self.within, ensure_ascii=False).encode()
            parts.append(base64.urlsafe_b64encode(within).decode().rstrip("="))
        text = ".".join(parts)
        return f"{text}~{_signature(text, settings.SECRET_KEY)}"


def read_cursor(text: str) -> LogCursor:
    """Raises ValueError: not in the form of `LogCursor.text`; SignatureError: in its form, but not written by it."""
    match = _FORM.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueError("no cursor")
    signed, _, signature = text.rpartition("~")
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(constant_time_compare(signature, _signature(signed, key)) for key in keys):
        raise SignatureError
    numbers = [int(match[i]) for i in (2, 3, 4)]
    if max(numbers) > _MAX_NUMBER:
        raise ValueError("no cursor")
    within = _read_within(match[5]) if match[5] is not None else None
    return LogCursor(uuid.UUID(match[1]), numbers[0], numbers[1], numbers[2], within)


def _signature(text: str, key: str | bytes) -> str:
    digest = salted_hmac(_SALT, text, secret=key, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _read_within(text: str) -> tuple[str, str]:
    try:
        within = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, RecursionError, UnicodeDecodeError) as error:
        raise ValueError("no cursor") from error
    if not (isinstance(within, list) and len(within) == 2 and all(type(p) is str for p in within)):
        raise ValueError("no cursor")
    if "\x00" in within[1]:  # no key of PostgreSQL's holds it
        raise ValueError("no cursor")
    return within[0], within[1]
