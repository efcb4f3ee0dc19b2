"""The thread that sends after the commit: in this process, and in a real server's."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from django.db import transaction
from pytest_django import Settings

from shopsmart.catalog.tests.make import make_user
from shopsmart.notifications import courier
from shopsmart.notifications.models import Mail
from shopsmart.notifications.services import notify
from shopsmart.notifications.tests.mail_server import MailServer
from shopsmart.notifications.tests.make import make_mails
from shopsmart.notifications.tests.own_shop import OwnShop

REGISTRATION = {
    "email": "ada@example.org",
    "password": "quince-Cheese-5-x",
    "password_again": "quince-Cheese-5-x",
}
NOTIFY = """
import sys, time
import django
django.setup()
from shopsmart.accounts.models import User
from shopsmart.notifications.services import notify
user = User.objects.create_user("ada", "ada@example.org")
for n in range(3):
    notify(user=user, kind="welcome", context={})
sys.stdin.readline()
"""


def couriers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mails"]


@pytest.mark.django_db(transaction=True)
def test_it_sends_what_is_due_and_ends(smtp: MailServer) -> None:
    make_mails("a@example.org", "b@example.org")
    courier.wake()
    for thread in couriers():
        thread.join(10)
    assert smtp.recipients == ["a@example.org", "b@example.org"]
    assert Mail.objects.filter(state="sent").count() == 2
    assert not couriers()


@pytest.mark.django_db(transaction=True)
def test_one_thread_serves_however_many_wake_it(smtp: MailServer) -> None:
    smtp.may_answer.clear()
    make_mails("a@example.org")
    courier.wake()
    assert smtp.has_data.wait(10)
    (thread,) = couriers()
    for _ in range(50):
        courier.wake()
    assert couriers() == [thread]
    smtp.may_answer.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(smtp.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_what_breaks_on_the_thread_is_logged_and_waits(
    smtp: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("the database is gone")

    make_mails("a@example.org")
    with monkeypatch.context() as patch:
        patch.setattr(courier, "send_queued", broken)
        courier.wake()
        for thread in couriers():
            thread.join(10)
    assert "Mails were not sent." in caplog.text
    courier.wake()
    for thread in couriers():
        thread.join(10)
    assert len(smtp.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_a_courier_that_can_not_start_breaks_no_request(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(courier, "wake", broken)
    settings.MAIL_AT_ONCE = True
    user = make_user()
    with transaction.atomic():
        notify(user=user, kind="welcome", context={})
    assert Mail.objects.get().state == "queued"


# With real processes ------------------------------------------------------------------------


@contextmanager
def served(shop: OwnShop) -> Iterator[str]:
    """The URL of a real server of the shop; ends it politely."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        (shop.folder / "gunicorn.log").open("ab") as log,
    ):
        bind = f"fd://{listener.fileno()}"
        server = shop.start(
            *("-m", "gunicorn", "shopsmart.wsgi", "--bind", bind),
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
        try:
            url = "http://127.0.0.1:{1}".format(*listener.getsockname())
            requests.get(f"{url}/api/catalog/brands/", timeout=30)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)


def register(url: str, name: str) -> float:
    """Make an account; gives how long the answer took."""
    with requests.Session() as session:
        page = f"{url}/account/register/"
        session.get(page, timeout=30)
        form = {
            **REGISTRATION,
            "username": name,
            "email": f"{name}@example.org",
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        began = time.monotonic()
        answer = session.post(page, form, allow_redirects=False, timeout=30)
        assert answer.status_code == 302, answer.text
        return time.monotonic() - began


@pytest.mark.slow
def test_a_mail_leaves_right_after_the_request(shop: OwnShop, mail_server: MailServer) -> None:
    with served(shop) as url:
        register(url, "ada")
        assert mail_server.has_data.wait(10)
    assert mail_server.recipients == ["ada@example.org"]
    assert shop.sql("SELECT state FROM notifications_mail") == [("sent",)]


@pytest.mark.slow
def test_a_mail_server_that_hangs_slows_no_request(shop: OwnShop, mail_server: MailServer) -> None:
    mail_server.may_answer.clear()
    with served(shop) as url:
        register(url, "warm")
        times = [register(url, f"ada{n}") for n in range(5)]
        mail_server.may_answer.set()
    # Far below the mail server's time-out; what remains is the password's hash.
    assert max(times) < 5
    assert shop.sql("SELECT count(*) FROM notifications_mail") == [(6,)]
    assert shop.run("manage.py", "send_mails").returncode == 0
    assert len({str(mail["To"]) for mail in mail_server.mails}) == 6


@pytest.mark.slow
def test_without_at_once_mails_wait_for_the_command(shop: OwnShop, mail_server: MailServer) -> None:
    shop.environment["MAIL_AT_ONCE"] = "0"
    with served(shop) as url:
        register(url, "ada")
    assert not mail_server.mails
    assert shop.run("manage.py", "send_mails").returncode == 0
    assert mail_server.recipients == ["ada@example.org"]


@pytest.mark.slow
def test_a_process_that_ends_finishes_the_mail_in_hand_and_no_other(
    shop: OwnShop, mail_server: MailServer
) -> None:
    shop.environment["DJANGO_SETTINGS_MODULE"] = "shopsmart.settings"
    mail_server.may_answer.clear()
    process = shop.start("-c", NOTIFY, stdin=-1)
    assert mail_server.has_data.wait(30)
    assert process.stdin is not None
    process.stdin.close()  # the main thread comes to its end
    with pytest.raises(TimeoutError):
        _wait(process.pid, 0.5)
    mail_server.may_answer.set()
    assert process.wait(30) == 0
    assert len(mail_server.mails) == 1
    assert sorted(shop.sql("SELECT state FROM notifications_mail")) == [
        ("queued",),
        ("queued",),
        ("sent",),
    ]
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()


def _wait(pid: int, seconds: float) -> None:
    """Wait for the end of a process; TimeoutError where it goes on."""
    handle = os.pidfd_open(pid)
    try:
        import select

        if not select.select([handle], [], [], seconds)[0]:
            raise TimeoutError
    finally:
        os.close(handle)
