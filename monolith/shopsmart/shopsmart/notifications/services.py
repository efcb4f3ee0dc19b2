"""Telling people what happened to their orders, in the shop and by mail."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.notifications import courier
from shopsmart.notifications.models import Kind, Mail, Notification
from shopsmart.notifications.texts import write_texts


@transaction.atomic
def notify(*, user: User, kind: str, context: Mapping[str, Any]) -> Notification:
    """Write a notification and its mail, in the caller's transaction; the mail leaves after it.

    `context` is what the texts speak of: `order` for every kind but `welcome`; `payment` for
    `payment_failed`, `returned` for `return_received` and `return_refused`, `amount` (Money) for
    `refunded`. Without these the texts say less. Raises ValueError for a kind that does not exist or
    a context without its order.
    """
    kind = Kind(kind)
    texts = write_texts(user=user, kind=kind, context=context)
    notification = Notification.objects.create(
        user=user, kind=kind.value, title=texts.title, body=texts.news, url=texts.url
    )
    if user.email:
        Mail.objects.create(to=user.email, subject=texts.title, body=texts.mail)
        if settings.MAIL_AT_ONCE:
            # Robust: what goes wrong from here on is no matter of the request, which has its answer.
            transaction.on_commit(courier.wake, robust=True)
    return notification


@transaction.atomic
def mark_read(*, notification: Notification) -> Notification:
    """Note that it was read; one that was read before keeps its time."""
    Notification.objects.filter(pk=notification.pk, read_at=None).update(read_at=timezone.now())
    notification.refresh_from_db(fields=["read_at"])
    return notification


def mark_all_read(*, user: User) -> int:
    """Note that a user has read everything; gives how many that were."""
    return Notification.objects.filter(user=user, read_at=None).update(read_at=timezone.now())


def send_again(*, mail: Mail) -> Mail:
    """Put a mail that was given up back into the queue; harmless for any other."""
    Mail.objects.filter(pk=mail.pk, state=Mail.State.FAILED).update(
        state=Mail.State.QUEUED, attempts=0, not_before=timezone.now(), last_error=""
    )
    mail.refresh_from_db()
    return mail
