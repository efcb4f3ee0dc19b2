"""Sends queued mails: claim one in a transaction, send it outside of any, write what came of it.

Two senders never hold the same claim. One that is killed leaves its claim to run out, and the mail
is sent again: at least once, with the same Message-ID, by which a mailbox knows the second copy.
"""

import smtplib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime, parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.utils import timezone

from shopsmart.notifications.models import Mail
from shopsmart.notifications.selectors import due_mails

# Much longer than one mail takes (EMAIL_TIMEOUT is for each step of SMTP), so that nobody who is
# only slow loses the claim.
CLAIM_FOR = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=1)
MAX_ATTEMPTS = 80  # about three days, as mail servers do it among themselves
MAILS_PER_CONNECTION = 50
SERVICE_NOT_AVAILABLE = 421  # a server that says this closes; it means us, not the mail


@dataclass(slots=True)
class Sending:
    """What one run did."""

    sent: int = 0
    failed: int = 0  # given up
    postponed: int = 0
    unreachable: str = ""  # why the run ended before the queue did


def send_queued(
    *, stop: Callable[[], bool] = lambda: False, done: Callable[[], None] = lambda: None
) -> Sending:
    """Send what is due, until nothing is, `stop` says so, or the mail server can't be reached.

    Raises RuntimeError inside a transaction: other writers would wait for the mail server.
    """
    if connection.in_atomic_block:
        raise RuntimeError("Mails are sent outside of transactions.")
    run = Sending()
    server = get_connection()
    try:
        while not stop() and not run.unreachable and (mail := claim_next()):
            _send(mail, server, run)
            done()
            if (run.sent + run.postponed + run.failed) % MAILS_PER_CONNECTION == 0:
                server.close()
    finally:
        server.close()
    return run


def claim_next() -> Mail | None:
    """Take the mail that waits longest, for CLAIM_FOR; None where nothing is due."""
    if not due_mails().exists():
        return None  # without the write lock, which SQLite has one of
    with transaction.atomic():
        mail = due_mails().select_for_update(skip_locked=True).first()
        if mail is None:
            return None
        mail.claim = uuid.uuid4()
        mail.claimed_until = timezone.now() + CLAIM_FOR
        mail.attempts += 1
        mail.save(update_fields=["claim", "claimed_until", "attempts"])
    return mail


def message_of(mail: Mail) -> EmailMessage:
    """The mail as it goes out; the same row gives the same head, whenever it is made."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return EmailMessage(
        mail.subject,
        mail.body,
        to=[mail.to],
        headers={
            "Message-ID": f"<{mail.pk}.{mail.created_at:%Y%m%d%H%M%S%f}@{domain}>",
            "Date": format_datetime(mail.created_at),
            "Auto-Submitted": "auto-generated",
        },
    )


def _send(mail: Mail, server: BaseEmailBackend, run: Sending) -> None:
    message = message_of(mail)
    message.connection = server
    try:
        server.open()
        message.send()
    except ValueError as error:
        # What can't be made into a mail now can't be later: a line break in the subject, for one.
        run.failed += _give_up(mail, error)
    except (OSError, smtplib.SMTPException) as error:
        refusal = _refusal_of(error)
        if refusal is None:
            run.unreachable = _words(error)
        if (refusal is not None and refusal >= 500) or mail.attempts >= MAX_ATTEMPTS:
            run.failed += _give_up(mail, error)
        else:
            pause = min(timedelta(minutes=2 ** min(mail.attempts - 1, 10)), LONGEST_PAUSE)
            run.postponed += _settle(
                mail, not_before=timezone.now() + pause, last_error=_words(error)
            )
    else:
        run.sent += _settle(mail, state=Mail.State.SENT, sent_at=timezone.now(), last_error="")


def _give_up(mail: Mail, error: Exception) -> int:
    return _settle(mail, state=Mail.State.FAILED, last_error=_words(error))


def _settle(mail: Mail, **changes: object) -> int:
    """Write the outcome and give the claim back; 0 where the claim ran out and somebody else has it."""
    mine = Mail.objects.filter(pk=mail.pk, claim=mail.claim)
    return mine.update(**changes, claim=None, claimed_until=None)


def _refusal_of(error: Exception) -> int | None:
    """The code with which the server refused this one mail; None where the trouble is the server.

    A refused sender or login is the shop's own fault: every mail would meet it.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((code for code, _ in error.recipients.values()), default=None)
    elif isinstance(error, smtplib.SMTPDataError):
        code = error.smtp_code
    else:
        return None
    return None if code == SERVICE_NOT_AVAILABLE else code


def _words(error: Exception) -> str:
    """What is kept of an error: its kind and first words."""
    return f"{type(error).__name__}: {error}"[: Mail._meta.get_field("last_error").max_length]
