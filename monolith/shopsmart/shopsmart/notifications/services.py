"""Telling people what happened to their orders."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.template.loader import render_to_string

from shopsmart.accounts.models import User
from shopsmart.notifications.models import Kind, Mail, Notification


@transaction.atomic
def notify(*, user: User, kind: str, context: Mapping[str, Any]) -> Notification:
    """Write a notification and its mail, in the caller's transaction; the mail leaves after it.

    `context` is what the texts of the kind speak of: an `order` for those about orders. Raises
    ValueError for a kind that does not exist.
    """
    kind = Kind(kind)
    words = {"user": user, **context}
    order = context.get("order")
    title = f"Order {order.number}: {kind.label}" if order else "Welcome to ShopSmart"
    body = render_to_string("notifications/plain.txt", {**words, "title": title})
    notification = Notification.objects.create(user=user, kind=kind, title=title, body=title)
    Mail.objects.create(to=user.email, subject=title, body=body)
    return notification
