"""The side that shops talk to: SMTP, which takes whatever it is given and answers 250 once it is kept."""

import asyncio
import logging
import sqlite3

from aiosmtpd.smtp import SMTP, Envelope, Session

from mail_catcher.box import Box
from mail_catcher.reading import subject_of

log = logging.getLogger(__name__)

MAX_MAIL_BYTES = 4 * 1024 * 1024  # reading one takes ten times as much memory
MAX_RECIPIENTS = 100  # what every server has to take (RFC 5321, 4.5.3.1.8)
BAD_ADDRESS = "553 5.1.3 The address is no UTF-8"
SILENT_S = 300.0  # how long a client may say nothing (RFC 5321, 4.5.3.2: five minutes)


class _Handler:
    """What is done with a mail. The names of its methods are aiosmtpd's."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not _is_text(address):
            return BAD_ADDRESS
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not _is_text(address):
            return BAD_ADDRESS
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        sender = envelope.mail_from or ""
        if sender == "<>":  # nobody: a bounce
            sender = ""
        try:
            number = await asyncio.to_thread(self._keep, sender, envelope.rcpt_tos, content)
        except sqlite3.Error as error:
            log.error("a mail could not be kept: %s", error)
            # Temporary: a shop that knows what it does sends it again.
            return "451 4.3.0 The mail could not be kept; send it again"
        log.info("mail %d: %d bytes for %d", number, len(content), len(envelope.rcpt_tos))
        return f"250 2.0.0 kept as {number}"

    def _keep(self, sender: str, recipients: list[str], content: bytes) -> int:
        return self._box.take(sender, recipients, subject_of(content), content)


def _is_text(address: str) -> bool:
    # aiosmtpd hands on bytes that are no UTF-8 as surrogates, which nothing can keep.
    return not any("\ud800" <= letter <= "\udfff" for letter in address)


def protocol(box: Box, loop: asyncio.AbstractEventLoop) -> SMTP:
    """What speaks with one client."""
    return SMTP(
        _Handler(box),
        data_size_limit=MAX_MAIL_BYTES,
        enable_SMTPUTF8=True,
        hostname="mail-catcher",
        ident="stranglerfig mail catcher",
        timeout=SILENT_S,
        loop=loop,
    )
