"""What the shop tells people: in the shop, where they read it, and by mail, which has to get out.

A mail is a row before it is a mail. It is written in the transaction of what it tells of, so that
nobody hears of an order that was rolled back, and no order goes without a word.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from shopsmart.accounts.models import check_one_line

SUBJECT_MAX_LENGTH = 160


class Kind(models.TextChoices):
    """What happened; each has its texts under `templates/notifications/`."""

    WELCOME = "welcome", "welcome"
    ORDER_PLACED = "order_placed", "order placed"
    ORDER_PAID = "order_paid", "order paid"
    PAYMENT_FAILED = "payment_failed", "payment failed"
    ORDER_CANCELLED = "order_cancelled", "order cancelled"
    ORDER_SHIPPED = "order_shipped", "order shipped"
    ORDER_DELIVERED = "order_delivered", "order delivered"
    RETURN_RECEIVED = "return_received", "return received"
    RETURN_REFUSED = "return_refused", "return refused"
    REFUNDED = "refunded", "refunded"


class Notification(models.Model):
    """A line in somebody's inbox in the shop."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    title = models.CharField(max_length=SUBJECT_MAX_LENGTH)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=200, blank=True, help_text="A path in this shop.")
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notifications_inbox"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="notifications_unread"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="notifications_has_a_title"),
            # A path of this shop and nothing that a browser takes for another host.
            models.CheckConstraint(
                condition=Q(url="") | (Q(url__startswith="/") & ~Q(url__startswith="//")),
                name="notifications_url_is_a_path",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Mail(models.Model):
    """A mail to send, on its way, or sent.

    Whoever sends it claims it first, for a while: `claim` says who, `claimed_until` how long. A
    sender that was killed leaves a claim that runs out.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        SENT = "sent", "sent"
        FAILED = "failed", "failed"

    to = models.EmailField("to")
    subject = models.CharField(max_length=SUBJECT_MAX_LENGTH, validators=[check_one_line])
    body = models.TextField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    not_before = models.DateTimeField(default=timezone.now, help_text="When to try next.")
    claim = models.UUIDField(null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["not_before", "id"],
                condition=Q(state="queued"),
                name="notifications_mail_queue",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (Q(state__in=["queued", "failed"], sent_at__isnull=True)),
                name="notifications_sent_mail_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(claim__isnull=True, claimed_until__isnull=True)
                | Q(claim__isnull=False, claimed_until__isnull=False, state="queued"),
                name="notifications_only_queued_mail_is_claimed",
            ),
            models.CheckConstraint(
                condition=~Q(to="") & ~Q(subject=""), name="notifications_mail_is_addressed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.to}"
