"""What a mail says: its bytes, read leniently, since what a shop sends wrongly is what one wants to see."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from mail_catcher.box import Taken


def subject_of(taken: Taken) -> str:
    """The subject in readable form; empty where there is none."""
    return _header(_parsed(taken), "Subject")


def listed(taken: Taken) -> dict[str, Any]:
    """What the list tells of a mail."""
    return {
        "id": taken.id,
        "at": taken.at,
        "sender": taken.sender,
        "recipients": list(taken.recipients),
        "subject": subject_of(taken),
        "bytes": len(taken.content),
    }


def told(taken: Taken) -> dict[str, Any]:
    """Everything of a mail but its bytes: the list's facts, the headers in their order, the text, the names of files."""
    message = _parsed(taken)
    return {
        **listed(taken),
        "headers": [[name, _header_text(value)] for name, value in message.items()],
        "text": text_of(taken),
        "attachments": [
            part.get_filename() or part.get_content_type() for part in message.iter_attachments()
        ],
    }


def text_of(taken: Taken) -> str:
    """The text for people: the plain part, else the source of the HTML one; empty where there is neither."""
    body = _parsed(taken).get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        content = body.get_content()
    except (LookupError, ValueError):
        # A charset nobody knows, or bytes that are none of it.
        payload = body.get_payload(decode=True)
        content = payload.decode("latin-1") if isinstance(payload, bytes) else ""
    return str(content).replace("\r\n", "\n")  # SMTP's line ends


def _parsed(taken: Taken) -> EmailMessage:
    message = message_from_bytes(taken.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _header(message: EmailMessage, name: str) -> str:
    return _header_text(message.get(name, ""))


def _header_text(value: object) -> str:
    # Bytes that are not ASCII become surrogates, which neither JSON nor a page can carry.
    return str(value).encode("utf-8", "replace").decode()
