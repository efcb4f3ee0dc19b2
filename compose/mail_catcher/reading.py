"""What a mail says: its bytes, read leniently, since what a shop sends wrongly is what one wants to see.

Whatever the bytes are, these functions give something, and text that a page and JSON can carry.
"""

import logging
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from typing import Any

from mail_catcher.box import Listed, Taken

log = logging.getLogger(__name__)

POLICY = policy.default
LONGEST_SUBJECT = 1000
MOST_OF_HEADERS = 64 * 1024  # where a subject is looked for


@dataclass(frozen=True, slots=True)
class Read:
    """What there is to read in one mail."""

    headers: tuple[tuple[str, str], ...]
    text: str
    attachments: tuple[str, ...]


def subject_of(content: bytes) -> str:
    """The subject in readable form, cut where it is very long; empty where there is none."""
    try:
        message = BytesHeaderParser(policy=POLICY).parsebytes(content[:MOST_OF_HEADERS])
        subjects = [value for name, value in _headers(message) if name.lower() == "subject"]
    except Exception:  # the parser fails in many ways at what was made to break it
        log.warning("a mail's headers can't be read", exc_info=True)
        return ""
    return subjects[0][:LONGEST_SUBJECT] if subjects else ""


def read(content: bytes) -> Read:
    """The headers in their order, the text, the names of files; all of it as text where it can't be told apart."""
    try:
        message = message_from_bytes(content, policy=POLICY)
        return Read(_headers(message), _text(message), _attachments(message))
    except Exception:  # as above, and nesting without end
        log.warning("a mail can't be read", exc_info=True)
        return Read((), _lines(content.decode("latin-1")), ())


def listed(mail: Listed) -> dict[str, Any]:
    """What the list tells of a mail."""
    return {
        "id": mail.id,
        "at": mail.at,
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "subject": mail.subject,
        "bytes": mail.size,
    }


def told(mail: Taken) -> dict[str, Any]:
    """Everything of a mail but its bytes."""
    found = read(mail.content)
    return {
        **listed(mail),
        "headers": found.headers,
        "text": found.text,
        "attachments": found.attachments,
    }


def _headers(message: EmailMessage) -> tuple[tuple[str, str], ...]:
    return tuple((_clean(name), _header(name, value)) for name, value in message.raw_items())


def _header(name: str, value: str) -> str:
    try:
        return _clean(str(POLICY.header_fetch_parse(name, value)))
    except Exception:  # one that is broken, such as "To: <", keeps nobody from the others
        return _clean(value)


def _text(message: EmailMessage) -> str:
    """The plain part, else the source of the HTML one; empty where there is neither."""
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        content = str(body.get_content())
    except (LookupError, ValueError):
        # A charset nobody knows, or bytes that are none of it.
        payload = body.get_payload(decode=True)
        content = payload.decode("latin-1") if isinstance(payload, bytes) else ""
    return _lines(_clean(content))


def _attachments(message: EmailMessage) -> tuple[str, ...]:
    return tuple(
        _clean(part.get_filename() or part.get_content_type())
        for part in message.iter_attachments()
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")  # SMTP's line ends


def _clean(text: str) -> str:
    # Some charsets, and bytes that are not ASCII, become surrogates, which neither JSON nor a page can carry.
    return text.encode("utf-8", "replace").decode()
