"""The report against the slow reckoning, over orders that a die made up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from shopsmart.catalog.models import Brand, Category
from shopsmart.payments.models import Payment
from shopsmart.reports.figures import COUNTED, Dimension, Figures, SalesReport
from shopsmart.reports.sales import currencies, sales_report
from shopsmart.reports.tests.make import World
from shopsmart.reports.tests.plain import PARCEL, Plain

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 10)
NAMES = list(COUNTED)


def keys_of(by: str) -> dict[object, str]:
    """What the report calls the groups of the slow reckoning."""
    keys: dict[object, str] = {PARCEL: "", None: ""}
    if by == "category":
        keys |= {category.pk: category.slug for category in Category.objects.all()}
    if by == "brand":
        keys |= {brand.pk: brand.slug for brand in Brand.objects.all()}
    return keys


def figures(report: SalesReport) -> dict[tuple[str, bool], dict[str, object]]:
    """By key, and whether it is the parcels' row, whose key is empty like that of goods without a brand."""
    return {
        (row.key, row.label == "Shipping"): {name: getattr(row.figures, name) for name in NAMES}
        for row in report.rows
        if row.figures != Figures()  # days without sales, and nothing for parcels
    }


@pytest.mark.parametrize("by", Dimension)
@pytest.mark.parametrize("seed", range(12))
def test_the_figures_are_those_of_the_slow_reckoning(seed: int, by: Dimension) -> None:
    world = World(seed)
    for _ in range(world.die.choice([0, 1, 8, 60])):
        world.order()
    slow = Plain()
    for first, last in (
        (DAY - timedelta(days=1), DAY + timedelta(days=1)),
        (DAY, DAY),
        (DAY - timedelta(days=30), DAY + timedelta(days=30)),
    ):
        for currency in ("EUR", "GBP"):
            report = sales_report(first=first, last=last, by=by, currency=currency)
            plain = slow.report(first, last, by.value, currency)
            whole = plain.pop("all", {"paid": Decimal(0), **dict.fromkeys(NAMES, 0)})
            paid = whole.pop("paid")
            keys = keys_of(by.value)
            expected = {
                (keys.get(group, str(group)), group == PARCEL): {n: one[n] for n in NAMES}
                for group, one in plain.items()
                if any(one[name] for name in NAMES)
            }
            assert figures(report) == expected
            assert {name: getattr(report.totals, name) for name in NAMES} == whole
            assert report.paid == paid
            assert report.adds_up
            net = sum((row.figures.net for row in report.rows), Decimal(0))
            assert net == report.totals.net


def test_days_are_those_of_the_shops_time_zone() -> None:
    world = World(1)
    while not (sold := Payment.objects.filter(state="approved", currency="EUR")).exists():
        world.order()
    sold.update(settled_at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
    days = {"first": DAY, "last": DAY + timedelta(days=1), "by": Dimension.DAY, "currency": "EUR"}
    counted = {}
    for zone in ("UTC", "Europe/Berlin"):
        with timezone.override(ZoneInfo(zone)):
            rows = sales_report(**days).rows
        counted[zone] = [(row.key, row.figures.orders) for row in rows]
    assert counted == {
        "UTC": [("2026-03-10", 1), ("2026-03-11", 0)],
        "Europe/Berlin": [("2026-03-10", 0), ("2026-03-11", 1)],
    }


def test_days_without_sales_are_there_and_in_order() -> None:
    report = sales_report(first=DAY, last=DAY + timedelta(days=4), by=Dimension.DAY, currency="EUR")
    assert [row.label for row in report.rows] == [f"2026-03-{n}" for n in range(10, 15)]
    assert report.totals == Figures()
    assert report.adds_up


def test_what_brought_most_comes_first() -> None:
    world = World(2)
    for _ in range(20):
        world.order()
    for by in (Dimension.CATEGORY, Dimension.BRAND, Dimension.COUNTRY, Dimension.PROMOTION):
        report = sales_report(
            first=DAY - timedelta(days=30), last=DAY + timedelta(days=30), by=by, currency="EUR"
        )
        nets = [row.figures.net for row in report.rows]
        assert nets == sorted(nets, reverse=True)


def test_rows_have_names_that_people_know() -> None:
    world = World(3)
    for _ in range(60):
        world.order()
    labels = {
        by: {
            row.label
            for row in sales_report(
                first=DAY - timedelta(days=30), last=DAY + timedelta(days=30), by=by, currency="EUR"
            ).rows
        }
        for by in Dimension
    }
    assert {"Kitchen › Tea", "Garden", "Shipping"} <= labels[Dimension.CATEGORY]
    assert {"Pannikin", "No brand", "Shipping"} <= labels[Dimension.BRAND]
    assert labels[Dimension.COUNTRY] <= {"Germany", "Austria", "France", "United Kingdom"}
    assert {"No code", "WELCOME10 (10 %)", "SPRING5 (5.5 EUR)", "GONE"} <= labels[
        Dimension.PROMOTION
    ]


def test_a_payment_that_was_tampered_with_is_seen() -> None:
    world = World(4)
    while not Payment.objects.filter(state="approved", currency="EUR").exists():
        world.order()
    Payment.objects.filter(state="approved", currency="EUR").update(amount=F("amount") + 1)
    wide = {"first": DAY - timedelta(days=30), "last": DAY + timedelta(days=30)}
    assert not sales_report(**wide, by=Dimension.DAY, currency="EUR").adds_up


def test_the_currencies_are_those_of_which_something_was_charged() -> None:
    assert currencies() == []
    world = World(5)
    for _ in range(30):
        world.order()
    assert currencies() == ["EUR", "GBP"]


@pytest.mark.parametrize(
    ("by", "queries"),
    [
        (Dimension.DAY, 4),  # orders, their goods, refunds, totals
        (Dimension.COUNTRY, 4),
        (Dimension.PROMOTION, 5),  # and the promotions
        (
            Dimension.CATEGORY,
            9,
        ),  # goods, parcels, four for the refunds' shares, their ids, totals, tree
        (Dimension.BRAND, 8),
    ],
)
@pytest.mark.parametrize("orders", [0, 3, 40])
def test_it_asks_the_same_few_times_however_much_was_sold(
    orders: int, by: Dimension, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    world = World(6)
    for _ in range(orders):
        world.order()
    with django_assert_num_queries(queries):
        sales_report(
            first=DAY - timedelta(days=30), last=DAY + timedelta(days=30), by=by, currency="EUR"
        )
