"""Everything that reads payments. Lists bring along what their rows show, in a fixed number of queries."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from shopsmart.accounts.models import User
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.states import REFUND_UNSETTLED, UNSETTLED
from shopsmart.staff import may


def may_see_all(user: User) -> bool:
    """Whether this is somebody who looks after other people's payments."""
    return may(user, "payments.view_payment")


def list_payments(*, user: User, order: str = "", state: str = "") -> QuerySet[Payment]:
    """The payments a user may see, the latest first, each with its order and refunds at hand.

    Shoppers see their own. `order` is an order's number.
    """
    payments = _with_parts()
    if not may_see_all(user):
        payments = payments.filter(order__user=user)
    if order:
        payments = payments.filter(order__number=order)
    if state:
        payments = payments.filter(state=state)
    return payments.order_by("-created_at", "-id")


def get_payment(*, key: UUID, user: User) -> Payment:
    """A payment the user may see; raises Payment.DoesNotExist for all others too."""
    return list_payments(user=user).get(key=key)


def unsettled_payments() -> QuerySet[Payment]:
    """Payments whose outcome is not known yet, the oldest first."""
    return Payment.objects.filter(state__in=sorted(UNSETTLED)).order_by("created_at", "id")


def unsettled_refunds() -> QuerySet[Refund]:
    """Refunds that the gateway has not done or refused yet, the oldest first."""
    return Refund.objects.filter(state__in=sorted(REFUND_UNSETTLED)).order_by("created_at", "id")


def _with_parts() -> QuerySet[Payment]:
    refunds = Refund.objects.order_by("created_at", "id")
    return Payment.objects.select_related("order").prefetch_related(Prefetch("refunds", refunds))
