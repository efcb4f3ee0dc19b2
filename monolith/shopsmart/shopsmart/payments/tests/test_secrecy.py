"""A card's number and code are in no table, no log and no error page, whatever happens to the charge."""

import logging
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.apps import apps
from django.db import connection
from django.views.debug import ExceptionReporter
from pytest_django import Settings

from shopsmart.payments import gateway as client
from shopsmart.payments.cards import Card
from shopsmart.payments.models import Payment
from shopsmart.payments.services import charge
from shopsmart.payments.tests.gateway_process import (
    APPROVED,
    BROKEN,
    CONFIRM,
    DECLINED,
    LATE,
    NEVER,
    GatewayProcess,
)
from shopsmart.payments.tests.make import RETURN_URL, make_payment, pay

pytestmark = pytest.mark.django_db

CVC = "7391"
# By itself: ids and clock times hold any four digits now and then.
SHOWN_CVC = re.compile(rf"(?<![\w.-]){CVC}(?![\w-])")


def pay_with(payment: Payment, number: str) -> Payment:
    return pay(payment, number, CVC)


def everything_stored() -> Iterator[str]:
    """Every value of every row of every table, as text."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed:
            for row in model._default_manager.values_list():
                yield from map(str, row)


@pytest.mark.parametrize("number", [APPROVED, DECLINED, CONFIRM, LATE, BROKEN, NEVER])
def test_no_table_and_no_log_line_holds_a_card(
    gateway: GatewayProcess, number: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    payment = pay_with(make_payment(), number)
    stored = list(everything_stored())
    assert number[-4:] in stored
    assert str(payment.key) in stored
    for text in (*stored, caplog.text, repr(payment), gateway.log.read_text()):
        assert number not in text
        assert not SHOWN_CVC.search(text)


def test_the_database_file_itself_holds_no_card(gateway: GatewayProcess, tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the file is SQLite's")
    pay_with(make_payment(), APPROVED)
    connection.ensure_connection()
    copy = tmp_path / "copy.sqlite3"
    with sqlite3.connect(copy) as target:
        target.executescript("\n".join(connection.connection.iterdump()))
    target.close()
    held = copy.read_bytes()
    assert b"4242" in held
    assert APPROVED.encode() not in held


def test_an_error_while_a_card_is_sent_is_an_outcome_and_shows_nothing(
    gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*args: object, **kwargs: object) -> None:
        raise ValueError(f"could not send {kwargs or args}")

    monkeypatch.setattr(requests.sessions.Session, "request", break_down)
    assert pay_with(make_payment(), APPROVED).state == "unknown"
    assert "ValueError" in caplog.text
    assert APPROVED not in caplog.text


@pytest.mark.parametrize("debug", [False, True])
def test_no_error_page_shows_a_card(
    gateway: GatewayProcess, settings: Settings, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    settings.DEBUG = debug

    def break_down(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(client, "_read_charge", break_down)
    card = Card(APPROVED, "12/99", CVC)
    try:
        charge(payment=make_payment(), card=card, return_url=RETURN_URL)
    except RuntimeError:
        reporter = ExceptionReporter(None, *sys.exc_info())
    for page in (reporter.get_traceback_html(), reporter.get_traceback_text()):
        assert "ask_charge" in page
        assert APPROVED not in page
        assert f"{CVC}&#x27;" not in page
        assert f"{CVC}'" not in page
