"""The seeded past adds up, as if every order had gone through the shop's own services."""

import itertools
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Count, F, Max, Q, Sum
from django.test import Client
from django.utils import timezone

from shopsmart.accounts.models import Address, User
from shopsmart.accounts.roles import ROLES
from shopsmart.cart.pricing import shipping_for
from shopsmart.catalog.models import Variant
from shopsmart.catalog.money import Money
from shopsmart.catalog.seeding.plan import LAST_DAY
from shopsmart.inventory.models import Movement, Reservation, StockItem
from shopsmart.inventory.tests.make import assert_books_agree
from shopsmart.orders.models import Order, OrderEvent, OrderLine, Return
from shopsmart.orders.refunds import refund_for
from shopsmart.orders.services.returns import RETURN_WITHIN
from shopsmart.orders.states import TRANSITIONS, OrderState
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.selectors import unsettled_payments, unsettled_refunds
from shopsmart.promotions.models import Promotion, Redemption
from shopsmart.promotions.services import Goods, discount_for
from shopsmart.seeding.people import STAFF
from shopsmart.seeding.promotions import OFFERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def test_there_is_as_much_as_was_asked_for_and_of_every_kind() -> None:
    assert Order.objects.count() == 600
    states = Counter(Order.objects.values_list("state", flat=True))
    assert set(states) == {"delivered", "returned", "cancelled"}
    assert states["delivered"] > 450
    assert set(Return.objects.values_list("state", flat=True)) == {"received", "refused"}
    assert set(Payment.objects.values_list("state", flat=True)) == {"approved", "declined"}
    assert set(Reservation.objects.values_list("state", flat=True)) == {"taken", "released"}
    assert {m.kind for m in Movement.objects.all()} == {"received", "sold", "returned", "corrected"}
    assert not unsettled_payments().exists()
    assert not unsettled_refunds().exists()


def test_orders_are_numbered_by_their_ids_in_the_order_of_their_days() -> None:
    orders = list(Order.objects.order_by("id"))
    assert [order.placed_at for order in orders] == sorted(order.placed_at for order in orders)
    assert all(order.number == f"S-{order.placed_at.year}-{order.pk:06d}" for order in orders)


def test_totals_add_up() -> None:
    lines = OrderLine.objects.values("order").annotate(sum=Sum("line_total"), off=Sum("discount"))
    sums = {row["order"]: (row["sum"], row["off"]) for row in lines}
    for order in Order.objects.all():
        assert sums[order.pk] == (order.subtotal, order.discount)
        assert order.total == order.subtotal - order.discount + order.shipping
        goods = Money(order.subtotal - order.discount, order.currency)
        assert order.shipping == shipping_for(goods).amount


def test_prices_are_those_of_the_day() -> None:
    lines = OrderLine.objects.select_related("order", "variant").prefetch_related(
        "variant__price_changes"
    )
    checked = 0
    for line in lines:
        changes = sorted(line.variant.price_changes.all(), key=lambda c: (c.changed_at, c.pk))
        later = [change for change in changes if change.changed_at > line.order.placed_at]
        assert line.unit_price == (later[0].old_amount if later else line.variant.price_amount)
        checked += bool(later)
    assert checked > 100
    too_early = lines.filter(variant__product__created_at__gte=F("order__placed_at"))
    assert not too_early.exists()


def test_payments_add_up() -> None:
    for payment in Payment.objects.select_related("order").prefetch_related("refunds"):
        order, back = payment.order, sum((r.amount for r in payment.refunds.all()), Decimal(0))
        assert (payment.amount, payment.currency) == (order.total, order.currency)
        assert payment.refunded == back
        assert (payment.state == "approved") == (order.paid_at is not None)
        if order.state == "cancelled":
            assert back == (order.total if order.paid_at else 0)
    assert Payment.objects.values("order").distinct().count() == Order.objects.count()
    assert set(Refund.objects.values_list("state", flat=True)) == {"done"}


def test_what_came_back_is_worth_what_the_shop_says() -> None:
    for made in Return.objects.prefetch_related("lines__order_line", "order__lines"):
        order, coming = made.order, {r.order_line: r.quantity for r in made.lines.all()}
        refunds = Refund.objects.filter(payment__order=order)
        if made.state == "refused":
            assert not refunds.exists()
            continue
        worth = refund_for(order, back_before={}, coming=coming)
        assert made.refund_amount == worth == refunds.get().amount
        whole = all(coming.get(line, 0) == line.quantity for line in order.lines.all())
        assert whole == (order.state == "returned")


def test_stock_is_the_sum_of_its_movements_and_was_never_less_than_nothing() -> None:
    assert StockItem.objects.count() == Variant.objects.count()
    assert_books_agree()
    assert not StockItem.objects.exclude(reserved=0).exists()
    levels: Counter[int] = Counter()
    for variant, delta in Movement.objects.order_by("at", "id").values_list("variant_id", "delta"):
        levels[variant] += delta
        assert levels[variant] >= 0
    some_out = StockItem.objects.filter(on_hand=0).count()
    assert 0 < some_out < StockItem.objects.count() / 5


def test_every_piece_that_was_paid_for_left_the_store_and_what_came_back_is_there() -> None:
    moved = Movement.objects.filter(reference__startswith="S-").values("reference", "variant_id")
    sold = {
        (row["reference"], row["variant_id"]): (row["out"] or 0, row["back"] or 0)
        for row in moved.annotate(
            out=Sum("delta", filter=Q(kind="sold")), back=Sum("delta", filter=Q(kind="returned"))
        )
    }
    lines = OrderLine.objects.exclude(order__paid_at=None).select_related("order")
    received = Q(return_lines__parent__state="received")
    for line in lines.annotate(back=Sum("return_lines__quantity", filter=received, default=0)):
        back = line.quantity if line.order.state == "cancelled" else line.back
        assert sold.pop((line.order.number, line.variant_id)) == (-line.quantity, back)
    assert sold == {}
    held = Reservation.objects.filter(state="taken").aggregate(all=Sum("quantity"))["all"]
    assert held == sum(line.quantity for line in lines)


def test_every_step_is_written_down_and_none_was_left_out() -> None:
    events = OrderEvent.objects.order_by("order_id", "id").select_related("order")
    steps: dict[Order, list[OrderEvent]] = {}
    for event in events:
        steps.setdefault(event.order, []).append(event)
    assert len(steps) == Order.objects.count()
    for order, taken in steps.items():
        assert [event.at for event in taken] == sorted(event.at for event in taken)
        assert (taken[0].state, taken[-1].state) == ("placed", order.state)
        for before, after in itertools.pairwise(taken):
            is_note = before.state == after.state and after.note
            assert is_note or after.state in TRANSITIONS[OrderState(before.state)]
        at = {
            event.state: event.at for event in taken if not event.note or event.state == "cancelled"
        }
        times = (order.placed_at, order.paid_at, order.shipped_at, order.delivered_at)
        assert times == tuple(at.get(s) for s in ("placed", "paid", "shipped", "delivered"))
        assert order.cancelled_at == at.get("cancelled")


def test_nothing_about_it_can_be_changed_any_more() -> None:
    latest = Order.objects.aggregate(Max("delivered_at"))["delivered_at__max"]
    assert latest + RETURN_WITHIN < LAST_DAY < timezone.now()
    assert Return.objects.aggregate(at=Max("settled_at"))["at"] < LAST_DAY
    assert Movement.objects.aggregate(at=Max("at"))["at"] < LAST_DAY
    assert latest > LAST_DAY - timedelta(days=100)


def test_codes_took_off_what_they_promise() -> None:
    assert Promotion.objects.count() == len(OFFERS)
    Promotion.objects.update(usage_limit=None, per_user_limit=None)  # they are counted below
    coded = Order.objects.exclude(promotion_code="").select_related("user")
    assert coded.count() > 20
    for order in coded:
        lines = list(order.lines.select_related("variant__product").order_by("id"))
        found = discount_for(
            code=order.promotion_code,
            goods=[Goods(line.variant.product.category_id, line.line_total) for line in lines],
            currency=order.currency,
            user=order.user,
            at=order.placed_at,
        )
        assert found.amount == order.discount
        assert list(found.shares) == [line.discount for line in lines]
    assert not Order.objects.filter(promotion_code="").exclude(discount=0).exists()


def test_codes_were_used_within_their_limits_and_given_back_by_what_was_cancelled() -> None:
    kept = Order.objects.exclude(promotion_code="").exclude(state="cancelled")
    assert {r.order_id for r in Redemption.objects.all()} == {order.pk for order in kept}
    for redemption in Redemption.objects.select_related("order", "promotion"):
        assert redemption.promotion.code == redemption.order.promotion_code
        assert redemption.user_id == redemption.order.user_id
    for promotion in Promotion.objects.annotate(uses=Count("redemptions")):
        assert promotion.usage_limit is None or promotion.uses <= promotion.usage_limit
        by_user = promotion.redemptions.values("user").annotate(uses=Count("pk"))
        limit = promotion.per_user_limit
        assert limit is None or all(row["uses"] <= limit for row in by_user)


def test_every_shopper_has_a_default_address_and_orders_went_to_it() -> None:
    defaults = {a.user_id: a for a in Address.objects.filter(is_default=True)}
    assert len(defaults) == 300
    for address in Address.objects.all():
        address.full_clean()
    for order in Order.objects.all():
        home = defaults[order.user_id]
        assert (order.ship_name, order.ship_line1, order.ship_city, order.ship_country) == (
            home.name, home.line1, home.city, home.country
        )  # fmt: skip


def test_every_role_has_somebody_who_can_log_in(client: Client) -> None:
    assert {role for _, role, _ in STAFF} == set(ROLES)
    for name, role, _ in STAFF:
        user = User.objects.get(username=name)
        assert (user.is_staff, user.is_superuser) == (True, False)
        assert [group.name for group in user.groups.all()] == [role]
        assert client.login(username=name, password="shopsmart")
        assert client.get("/admin/").status_code == 200


def test_rows_are_valid_in_the_eyes_of_their_models() -> None:
    for model in (Order, OrderLine, Return, Payment, Refund, Movement, Reservation, Promotion):
        for row in model._default_manager.order_by("?")[:25]:
            row.full_clean()
