"""The report as the accounts department meets it: page, CSV, admin and API."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db.models import F
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django.fixtures import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.accounts.roles import ACCOUNTS_DEPARTMENT, ROLES
from shopsmart.accounts.services import create_token
from shopsmart.catalog.models import Brand, Category
from shopsmart.catalog.tests.make import make_user
from shopsmart.payments.models import Payment
from shopsmart.reports.figures import Dimension
from shopsmart.reports.sales import sales_report
from shopsmart.reports.tests.make import World

pytestmark = pytest.mark.django_db

PAGE, FILE, API = "/reports/sales/", "/reports/sales.csv", "/api/reports/sales/"
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
PERIOD = {"first": FIRST.isoformat(), "last": LAST.isoformat()}
AMOUNTS = ("goods", "discount", "shipping", "charged", "refunded", "net")


@pytest.fixture
def bookkeeper() -> User:
    user = make_user("clerk", is_staff=True)
    user.groups.add(Group.objects.get(name=ACCOUNTS_DEPARTMENT))
    return user


@pytest.fixture
def as_bookkeeper(client: Client, bookkeeper: User) -> Client:
    client.force_login(bookkeeper)
    return client


@pytest.fixture
def world() -> World:
    world = World(7)
    for _ in range(40):
        world.order()
    return world


# Who may look -------------------------------------------------------------------------------


def test_strangers_are_sent_to_the_login_and_shoppers_away(client: Client) -> None:
    for url in (PAGE, FILE):
        assert client.get(url)["Location"] == f"/account/login/?next={url}"
    assert client.get(API).status_code == 401
    client.force_login(make_user("ada"))
    for url in (PAGE, FILE, API):
        assert client.get(url).status_code == 403


@pytest.mark.parametrize("role", [role for role in ROLES if role != ACCOUNTS_DEPARTMENT])
def test_no_other_role_sees_it(client: Client, role: str) -> None:
    user = make_user("clerk", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    for url in (PAGE, FILE, API, "/admin/reports/salesreport/"):
        assert client.get(url).status_code == 403
    assert "/admin/reports/" not in client.get("/admin/").content.decode()


def test_the_admin_leads_to_the_page(as_bookkeeper: Client) -> None:
    assert "/admin/reports/salesreport/" in as_bookkeeper.get("/admin/").content.decode()
    assert as_bookkeeper.get("/admin/reports/salesreport/")["Location"] == PAGE
    assert as_bookkeeper.get("/admin/reports/salesreport/add/").status_code == 403
    assert PAGE in as_bookkeeper.get("/account/").content.decode()


# The page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", Dimension)
def test_the_page_shows_the_figures(as_bookkeeper: Client, world: World, by: Dimension) -> None:
    page = as_bookkeeper.get(PAGE, {**PERIOD, "by": by.value}).content.decode()
    report = sales_report(first=FIRST, last=LAST, by=by, currency="EUR")
    assert report.rows
    for row in report.rows:
        assert f"{row.figures.net:,.2f}" in page
    assert f"{report.totals.net:,.2f} EUR" in page
    assert page.count('<th scope="row">') == len(report.rows) + 1
    assert f"{FILE}?first=2026-03-01&amp;last=2026-03-31&amp;by={by.value}&amp;currency=EUR" in page


def test_a_brand_can_not_write_into_the_page(as_bookkeeper: Client, world: World) -> None:
    Brand.objects.filter(name="Pannikin").update(name="<script>alert(1)</script>")
    page = as_bookkeeper.get(PAGE, {**PERIOD, "by": "brand"}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_without_a_question_it_shows_the_last_thirty_days(as_bookkeeper: Client) -> None:
    page = as_bookkeeper.get(PAGE)
    assert page.status_code == 200
    assert "Nothing was sold then" in page.content.decode()
    assert len(page.context["report"].rows) == 30


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"first": "2026-03-02", "last": "2026-03-01"}, "last"),
        ({"first": "2020-01-01", "last": "2026-03-01"}, "last"),
        ({"first": "yesterday"}, "first"),
        ({"first": "0001-01-01"}, "first"),
        ({"first": "9999-12-01", "last": "9999-12-31"}, "last"),
        ({"last": ""}, "last"),
        ({"by": "moon"}, "by"),
        ({"currency": "XXX"}, "currency"),
    ],
)
def test_what_can_not_be_understood_is_said_beside_the_field(
    as_bookkeeper: Client, asked: dict[str, str], field: str
) -> None:
    page = as_bookkeeper.get(PAGE, {**PERIOD, **asked})
    assert page.status_code == 200
    assert list(page.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in page.content.decode()
    assert "<title>Error:" in page.content.decode()
    assert "<table" not in page.content.decode()
    led = as_bookkeeper.get(FILE, {**PERIOD, **asked})
    assert led.status_code == 302
    assert led["Location"].startswith(f"{PAGE}?")


def test_it_says_when_orders_and_payments_do_not_agree(as_bookkeeper: Client, world: World) -> None:
    assert "do not agree" not in as_bookkeeper.get(PAGE, PERIOD).content.decode()
    Payment.objects.filter(state="approved").update(amount=F("amount") + 1)
    assert "do not agree" in as_bookkeeper.get(PAGE, PERIOD).content.decode()


def test_another_currency_is_another_report(as_bookkeeper: Client, world: World) -> None:
    page = as_bookkeeper.get(PAGE, {**PERIOD, "currency": "GBP"})
    assert page.context["report"].currency == "GBP"
    assert page.context["report"].totals.orders > 0


def test_a_period_without_sales_leads_to_the_latest_one(
    as_bookkeeper: Client, world: World
) -> None:
    page = as_bookkeeper.get(PAGE, {"first": "2026-05-01", "last": "2026-05-02", "by": "brand"})
    latest = max(p.settled_at for p in Payment.objects.filter(state="approved", currency="EUR"))
    first = latest.date() - timedelta(days=29)
    link = f"?first={first}&amp;last={latest.date()}&amp;by=brand&amp;currency=EUR"
    assert f'href="{link}"' in page.content.decode()
    shown = as_bookkeeper.get(PAGE + link.replace("&amp;", "&"))
    assert shown.context["report"].totals.orders > 0


@pytest.mark.parametrize("orders", [9, 30])
def test_the_page_costs_the_same_however_much_was_sold(
    as_bookkeeper: Client, orders: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    world = World(8)
    for _ in range(orders):
        world.order()
    as_bookkeeper.get(PAGE)
    # Session, user, two for permissions, currencies, four for the report, the tree twice, unread, cart.
    with django_assert_num_queries(13):
        as_bookkeeper.get(PAGE, PERIOD)


# CSV ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", Dimension)
def test_the_file_holds_the_same_figures(
    as_bookkeeper: Client, world: World, by: Dimension
) -> None:
    answer = as_bookkeeper.get(FILE, {**PERIOD, "by": by.value})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    name = f"sales-by-{by.value}-2026-03-01-2026-03-31-eur.csv"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    lines = list(csv.DictReader(io.StringIO(answer.content.decode())))
    report = sales_report(first=FIRST, last=LAST, by=by, currency="EUR")
    assert len(lines) == len(report.rows) + 1
    for line, figures in zip(
        lines, [*(row.figures for row in report.rows), report.totals], strict=True
    ):
        assert line["currency"] == "EUR"
        for name in (*AMOUNTS, "orders", "shoppers", "new_shoppers", "units"):
            assert Decimal(line[name]) == getattr(figures, name)
    assert lines[-1]["name"] == "Total"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_name_is_run_by_a_spreadsheet(as_bookkeeper: Client, world: World, first: str) -> None:
    Category.objects.filter(parent=None, name="Kitchen").update(name=f"{first}HYPERLINK(1)")
    answer = as_bookkeeper.get(FILE, {**PERIOD, "by": "category"})
    cells = [
        cell
        for line in csv.reader(io.StringIO(answer.content.decode(), newline=""))
        for cell in line
    ]
    assert any(cell.startswith(f"'{first}HYPERLINK(1)") for cell in cells)
    for cell in cells:
        assert not cell.startswith(first) or (
            first == "-" and Decimal(cell) < 0
        )  # a loss is a number


# The API ------------------------------------------------------------------------------------


def test_programs_of_the_department_read_it_by_token(bookkeeper: User, world: World) -> None:
    _, token = create_token(user=bookkeeper, name="books")
    program = Client(headers={"Authorization": f"Token {token}"})
    answer = program.get(API, {**PERIOD, "by": "country"})
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    report = sales_report(first=FIRST, last=LAST, by=Dimension.COUNTRY, currency="EUR")
    assert {name: told[name] for name in ("first", "last", "by", "currency", "adds_up")} == {
        **PERIOD,
        "by": "country",
        "currency": "EUR",
        "adds_up": True,
    }
    assert [row["key"] for row in told["rows"]] == [row.key for row in report.rows]
    for row, figures in zip(
        [*told["rows"], told["totals"]],
        [*(row.figures for row in report.rows), report.totals],
        strict=True,
    ):
        for name in AMOUNTS:
            assert row[name] == f"{getattr(figures, name):.2f}"
        for name in ("orders", "shoppers", "new_shoppers", "units"):
            assert row[name] == getattr(figures, name)


def test_left_out_it_is_about_the_last_thirty_days(as_bookkeeper: Client) -> None:
    told = as_bookkeeper.get(API).json()
    assert date.fromisoformat(told["last"]) - date.fromisoformat(told["first"]) == timedelta(
        days=29
    )
    told = as_bookkeeper.get(API, {"last": "2026-03-31"}).json()
    assert (told["first"], len(told["rows"])) == ("2026-03-02", 30)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"first": "2026-03-02", "last": "2026-03-01"}, "last"),
        ({"first": "2020-01-01", "last": "2026-03-01"}, "last"),
        ({"first": "soon"}, "first"),
        ({"last": "9999-12-31"}, "last"),
        ({"last": "0001-01-01"}, "last"),
        ({"by": "moon"}, "by"),
        ({"currency": "eur"}, "currency"),
    ],
)
def test_the_api_refuses_by_field(as_bookkeeper: Client, asked: dict[str, str], field: str) -> None:
    answer = as_bookkeeper.get(API, asked)
    assert answer.status_code == 400
    assert field in answer.json()


def test_it_is_in_the_schema() -> None:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    operation = schema["paths"][API]["get"]
    assert operation["operationId"] == "getSalesReport"
    assert {parameter["name"] for parameter in operation["parameters"]} == {
        "first",
        "last",
        "by",
        "currency",
    }
