"""A card sent to the shop's own API or form is on no error page either, whatever breaks on its way."""

import logging
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from shopsmart.cart.tests.make import make_cart
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory import services as inventory
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.payments import gateway as client_of_the_gateway
from shopsmart.payments.tests.gateway_process import APPROVED

pytestmark = pytest.mark.django_db

CVC = "7391"
# By itself: a page for developers is full of addresses, ids and clock times, and some of them hold these four digits.
SHOWN_CVC = re.compile(rf"(?<![\w.-]){CVC}(?![\w-])")
ADDRESS = {"name": "A", "line1": "1 B", "line2": "", "postcode": "1", "city": "C", "country": "DE"}


def over_the_api(client: Client) -> Any:
    card = {"number": APPROVED, "expiry": "12/99", "cvc": CVC}
    return client.post(
        "/api/orders/",
        {"address": ADDRESS, "card": card},
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )


def over_the_form(client: Client) -> Any:
    form = client.get("/checkout/").context["form"]
    sent = {
        "key": str(uuid4()),
        "seen_total": form["seen_total"].value() or "14.90",
        "address": "new",
        **ADDRESS,
        "number": APPROVED,
        "expiry": "12/99",
        "cvc": CVC,
    }
    return client.post("/checkout/", sent)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("breaks", ["reserving", "asking"])
@pytest.mark.parametrize("send", [over_the_api, over_the_form])
def test_no_error_page_shows_the_card_that_was_sent(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    debug: bool,
    breaks: str,
    send: Callable[[Client], Any],
) -> None:
    settings.DEBUG = debug
    caplog.set_level(logging.DEBUG)

    def break_down(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken")

    where = (inventory, "reserve") if breaks == "reserving" else (client_of_the_gateway, "_ask")
    monkeypatch.setattr(*where, break_down)
    ada = make_user()
    make_cart(ada, {make_stocked(): 1})
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    answer = send(client)
    assert answer.status_code == 500
    assert "broken" in caplog.text
    assert debug == (b"RuntimeError" in answer.content)
    for text in (answer.content.decode(), caplog.text):
        assert APPROVED not in text
        assert not SHOWN_CVC.search(text)
