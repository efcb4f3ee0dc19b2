"""The side that shops talk to: SMTP, which takes whatever it is given and answers 250 once it is kept."""

import asyncio
import logging
import sqlite3

from aiosmtpd.smtp import SMTP, Envelope, Session

from mail_catcher.box import Box

log = logging.getLogger(__name__)

MAX_MAIL_BYTES = 10 * 1024 * 1024
SILENT_S = 300.0  # how long a client may say nothing (RFC 5321, 4.5.3.2: five minutes)


class _Handler:
    """What is done with a mail. The names of its methods are aiosmtpd's."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        sender = envelope.mail_from or ""
        if sender == "<>":  # nobody: a bounce
            sender = ""
        try:
            number = await asyncio.to_thread(self._box.take, sender, envelope.rcpt_tos, content)
        except sqlite3.Error as error:
            log.error("a mail could not be kept: %s", error)
            # Temporary: a shop that knows what it does sends it again.
            return "451 4.3.0 The mail could not be kept; send it again"
        log.info("mail %d: %d bytes for %d", number, len(content), len(envelope.rcpt_tos))
        return f"250 2.0.0 kept as {number}"


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
