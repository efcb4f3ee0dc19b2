from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from shopsmart.accounts.models import User
from shopsmart.accounts.services import register_user
from shopsmart.catalog.money import Money
from shopsmart.catalog.tests.make import make_user
from shopsmart.notifications import courier, services
from shopsmart.notifications.models import Kind, Mail, Notification
from shopsmart.notifications.selectors import count_unread, list_notifications
from shopsmart.notifications.tests.make import make_mails, make_order
from shopsmart.orders.models import Return
from shopsmart.payments.models import Payment

pytestmark = pytest.mark.django_db

ABOUT_ORDERS = [kind for kind in Kind if kind is not Kind.WELCOME]


@pytest.fixture
def ada() -> User:
    return make_user("ada", "Ada & Son")


def notify(user: User, kind: str, **context: object) -> tuple[Notification, Mail]:
    """What was written by one call, and nothing else was."""
    before = set(Mail.objects.values_list("pk", flat=True))
    notification = services.notify(user=user, kind=kind, context=context)
    (mail,) = Mail.objects.exclude(pk__in=before)
    return notification, mail


@pytest.mark.parametrize("kind", ABOUT_ORDERS)
def test_each_kind_has_words_of_its_own(ada: User, kind: Kind) -> None:
    order = make_order(ada)
    notification, mail = notify(ada, kind.value, order=order)
    assert (notification.user, notification.kind, notification.read_at) == (ada, kind, None)
    assert order.number in notification.title
    assert notification.title == mail.subject
    assert (mail.to, mail.state, mail.attempts) == (ada.email, "queued", 0)
    assert mail.body.startswith("Hello Ada & Son,\n\n")
    assert notification.body
    assert notification.body.split() == mail.body.split("\n\n")[1].split()
    assert f"http://127.0.0.1:8100{notification.url}" in mail.body.splitlines()
    assert order.number in notification.url
    assert "{" not in mail.body
    assert "\n\n\n" not in mail.body
    titles = {notify(ada, other.value, order=order)[0].title for other in ABOUT_ORDERS}
    assert len(titles) == len(ABOUT_ORDERS)


def test_a_mail_about_goods_reads_well(ada: User) -> None:
    _, mail = notify(ada, "order_paid", order=make_order(ada))
    assert mail.body == (
        "Hello Ada & Son,\n"
        "\n"
        "We have your payment of €912.82 and are packing your parcel. We write\n"
        "again when it leaves.\n"
        "\n"
        "    2 × Teapot                                               €999.80\n"
        "    1 × Cup & saucer Cup & saucer Cup & saucer Cup &\n"
        "        saucer Cup & saucer Cup & saucer                       €9.00\n"
        "\n"
        "    Goods                                                  €1,008.80\n"
        "    Discount (WELCOME10)                                    -€100.88\n"
        "    Shipping                                                   €4.90\n"
        "    Total                                                    €912.82\n"
        "\n"
        "It goes to\n"
        "\n"
        "    Ada <Lovelace> & Son\n"
        "    St. James’s Square 12\n"
        "    c/o Byron\n"
        "    10115 Köln\n"
        "    Germany\n"
        "\n"
        "You find your order at\n"
        "\n"
        "http://127.0.0.1:8100/orders/S-2026-000123/\n"
        "\n"
        "-- \n"
        "ShopSmart\n"
        "http://127.0.0.1:8100/\n"
    )


def test_reasons_and_amounts_are_told_where_they_are_known(ada: User) -> None:
    order = make_order(ada)
    amount = Money(Decimal("9.00"), "EUR")
    assert "€9.00" in notify(ada, "refunded", order=order, amount=amount)[0].body
    returned = Return(order=order, refund_amount=Decimal("9.00"), note="It is moth-eaten.")
    assert "€9.00" in notify(ada, "return_received", order=order, returned=returned)[0].body
    returned.refund_amount = Decimal(0)
    assert "€" not in notify(ada, "return_received", order=order, returned=returned)[0].body
    assert "moth-eaten" in notify(ada, "return_refused", order=order, returned=returned)[0].body
    payment = Payment(order=order, state="declined", decline_code="expired_card")
    said = notify(ada, "payment_failed", order=order, payment=payment)[0].body
    assert said.startswith("The card has expired. Your card was not charged")


def test_who_paid_hears_of_the_money_in_a_cancellation(ada: User) -> None:
    order = make_order(ada)
    assert "not charged" in notify(ada, "order_cancelled", order=order)[0].body
    order.paid_at = timezone.now()
    assert "back to your card" in notify(ada, "order_cancelled", order=order)[0].body


def test_a_notification_costs_three_writes_at_most(
    ada: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    order = make_order(ada)
    with django_assert_max_num_queries(5):  # savepoint, lines, notification, mail, release
        services.notify(user=ada, kind="order_paid", context={"order": order})


def test_an_account_is_welcomed_without_a_word_its_maker_chose() -> None:
    """Whoever types somebody else's address must not be able to write into that mailbox."""
    register_user(
        username="evil.example",
        email="eve@example.org",
        password="quince-Cheese-5-x",
        display_name="Win at evil.example",
    )
    mail = Mail.objects.get()
    assert (mail.to, mail.subject) == ("eve@example.org", "Welcome to ShopSmart")
    assert "evil" not in mail.body
    assert Notification.objects.get().url == "/account/"


def test_a_name_that_is_taken_sends_nothing(ada: User) -> None:
    with pytest.raises(ValidationError):
        register_user(username="ada", email="new@example.org", password="quince-Cheese-5-x")
    assert not Mail.objects.exists()


def test_what_is_rolled_back_was_never_told(ada: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        services.notify(user=ada, kind="welcome", context={})
        raise RuntimeError
    assert not Mail.objects.exists()
    assert not Notification.objects.exists()


def test_an_unknown_kind_and_a_missing_order_are_refused(ada: User) -> None:
    with pytest.raises(ValueError, match="lost"):
        services.notify(user=ada, kind="lost", context={})
    with pytest.raises(ValueError, match="no order"):
        services.notify(user=ada, kind="order_paid", context={})
    assert not Mail.objects.exists()


def test_the_courier_is_woken_after_the_commit_if_at_all(
    ada: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    woken: list[int] = []
    monkeypatch.setattr(courier, "wake", lambda: woken.append(1))
    for at_once, expected in ((True, [1]), (False, [])):
        settings.MAIL_AT_ONCE = at_once
        woken.clear()
        with django_capture_on_commit_callbacks(execute=True):
            services.notify(user=ada, kind="welcome", context={})
            assert not woken
        assert woken == expected


def test_reading_keeps_the_first_time_and_touches_ones_own_only(ada: User) -> None:
    ben = make_user("ben")
    for user in (ada, ada, ben):
        services.notify(user=user, kind="welcome", context={})
    first, second = list_notifications(user=ada)
    read_at = services.mark_read(notification=second).read_at
    assert read_at is not None
    assert services.mark_read(notification=second).read_at == read_at
    assert list(list_notifications(user=ada, unread_only=True)) == [first]
    assert services.mark_all_read(user=ada) == 1
    assert (count_unread(user=ada), count_unread(user=ben)) == (0, 1)


def test_only_what_was_given_up_is_sent_again(ada: User) -> None:
    now = timezone.now()
    sent, failed = make_mails("a@example.org", "b@example.org")
    Mail.objects.filter(pk=sent.pk).update(state="sent", sent_at=now, attempts=1)
    Mail.objects.filter(pk=failed.pk).update(
        state="failed", attempts=80, last_error="no", not_before=now - timedelta(days=1)
    )
    failed = services.send_again(mail=failed)
    assert (failed.state, failed.attempts, failed.last_error) == ("queued", 0, "")
    assert services.send_again(mail=sent).state == "sent"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "sent"},
        {"state": "queued", "sent_at": timezone.now()},
        {"claimed_until": timezone.now()},
        {"to": ""},
    ],
)
def test_the_database_refuses_mails_that_make_no_sense(changes: dict[str, object]) -> None:
    (mail,) = make_mails("a@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        Mail.objects.filter(pk=mail.pk).update(**changes)


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "account"])
def test_the_database_refuses_links_that_leave_the_shop(ada: User, url: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Notification.objects.create(user=ada, kind="welcome", title="x", url=url)
