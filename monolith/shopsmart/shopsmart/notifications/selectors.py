"""What is read of people's inboxes, and of the queue of mails."""

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.notifications.models import Mail, Notification


def list_notifications(*, user: User, unread_only: bool = False) -> QuerySet[Notification]:
    """A user's inbox, the newest first."""
    inbox = Notification.objects.filter(user=user).order_by("-created_at", "-id")
    return inbox.filter(read_at=None) if unread_only else inbox


def get_notification(*, user: User, pk: int) -> Notification:
    """One of a user's own notifications; raises Notification.DoesNotExist for other people's too."""
    return Notification.objects.get(user=user, pk=pk)


def count_unread(*, user: User) -> int:
    """How many a user has not read."""
    return Notification.objects.filter(user=user, read_at=None).count()


def due_mails() -> QuerySet[Mail]:
    """Mails that wait to be sent now and that nobody is sending, the one that waits longest first."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    queued = Mail.objects.filter(free, state=Mail.State.QUEUED, not_before__lte=now)
    return queued.order_by("not_before", "id")


def count_mails() -> dict[str, int]:
    """How many mails there are in each state."""
    counted = Mail.objects.order_by().values_list("state").annotate(Count("id"))
    return {**dict.fromkeys(Mail.State.values, 0), **dict(counted)}
