"""Senders are processes: two at once, and one that is killed with a mail in its hand."""

import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from shopsmart.notifications.tests.mail_server import MailServer
from shopsmart.notifications.tests.own_shop import OwnShop

pytestmark = pytest.mark.slow

QUEUE = (
    'INSERT INTO notifications_mail ("to", subject, body, state, attempts, created_at, not_before,'
    " last_error) VALUES ('{0}@example.org', 'News', 'It has come.', 'queued', 0,"
    " '2026-01-02 03:04:05.{0:06d}+00:00', '2026-01-02 03:04:05+00:00', '')"
)
SENT = "SELECT \"to\", attempts FROM notifications_mail WHERE state = 'sent' ORDER BY id"
WAITING = "SELECT count(*) FROM notifications_mail WHERE state = 'queued'"
RUN_OUT = "UPDATE notifications_mail SET claimed_until = '2026-01-02 03:04:05+00:00' WHERE claimed_until IS NOT NULL"


def queue(shop: OwnShop, number: int) -> None:
    for n in range(number):
        shop.sql(QUEUE.format(n))


def test_four_senders_at_once_send_every_mail_once(shop: OwnShop, mail_server: MailServer) -> None:
    queue(shop, 60)
    senders = [shop.start("manage.py", "send_mails", "--json") for _ in range(4)]
    told = []
    for sender in senders:
        out, err = sender.communicate(timeout=60)
        assert sender.returncode == 0, err
        told.append(json.loads(out)["sent"])
    assert sum(told) == 60, told
    assert sum(sent > 0 for sent in told) > 1  # they were at it together
    assert Counter(mail_server.recipients) == {f"{n}@example.org": 1 for n in range(60)}
    assert [attempts for _, attempts in shop.sql(SENT)] == [1] * 60


def test_a_killed_sender_loses_no_mail_and_holds_up_only_its_own(
    shop: OwnShop, mail_server: MailServer
) -> None:
    queue(shop, 5)
    mail_server.may_answer.clear()
    killed = shop.start("manage.py", "send_mails", "--json")
    assert mail_server.has_data.wait(30)  # it has sent the first mail's text and hears nothing
    killed.kill()
    killed.communicate()
    mail_server.may_answer.set()

    assert shop.run("manage.py", "send_mails").returncode == 0
    assert len(shop.sql(SENT)) == 4
    assert shop.sql(WAITING) == [(1,)]
    shop.sql(RUN_OUT)
    assert shop.run("manage.py", "send_mails").returncode == 0
    assert len(shop.sql(SENT)) == 5
    # The first one came twice, and says so by its Message-ID.
    got = Counter(str(mail["Message-ID"]) for mail in mail_server.mails)
    assert sorted(got.values()) == [1, 1, 1, 1, 2]
    assert {str(mail["To"]) for mail in mail_server.mails} == {f"{n}@example.org" for n in range(5)}


def test_killed_at_any_time_it_ends_with_every_mail_sent(
    shop: OwnShop, mail_server: MailServer
) -> None:
    queue(shop, 20)
    for after in range(1, 19, 3):
        sender = shop.start("manage.py", "send_mails", "--json")
        while sender.poll() is None and len(mail_server.mails) < after:
            mail_server.has_data.wait(0.05)
            mail_server.has_data.clear()
        sender.kill()
        sender.communicate()
        shop.sql(RUN_OUT)
    assert shop.run("manage.py", "send_mails").returncode == 0
    assert shop.sql(WAITING) == [(0,)]
    assert {str(mail["To"]) for mail in mail_server.mails} == {
        f"{n}@example.org" for n in range(20)
    }
    # A copy more for each kill at most.
    assert len(mail_server.mails) <= 20 + 6


def test_a_sender_that_goes_on_sends_what_comes_and_ends_when_told(
    shop: OwnShop, mail_server: MailServer
) -> None:
    sender = shop.start("manage.py", "send_mails", "--every", "0.2")
    queue(shop, 1)
    while shop.sql(WAITING) != [(0,)]:
        assert sender.poll() is None
        mail_server.has_data.wait(0.1)
    mail_server.has_data.clear()
    mail_server.may_answer.clear()
    shop.sql(QUEUE.format(1))
    assert mail_server.has_data.wait(30)
    sender.send_signal(signal.SIGTERM)
    mail_server.may_answer.set()  # the mail in hand is finished first
    out, err = sender.communicate(timeout=30)
    assert sender.returncode == 0, err
    assert out.rstrip().endswith("0 wait.")
    assert shop.sql(WAITING) == [(0,)]
    assert len(mail_server.mails) == 2


def test_a_mail_server_that_is_away_is_said_and_exits_1(
    shop: OwnShop, mail_server: MailServer
) -> None:
    queue(shop, 2)
    shop.environment["EMAIL_URL"] = "smtp://127.0.0.1:1"
    ended = shop.run("manage.py", "send_mails")
    assert ended.returncode == 1
    assert "can't be reached" in ended.stderr
    assert "2 mails wait; see EMAIL_URL" in ended.stderr
    assert "Traceback" not in ended.stderr
    # One was tried; it waits a minute, the other does not.
    shop.environment["EMAIL_URL"] = mail_server.url
    assert "Sent 1, given up 0, put off 0; 1 wait." in shop.run("manage.py", "send_mails").stdout


def test_a_sender_that_goes_on_says_that_the_server_is_away_and_goes_on(
    shop: OwnShop, mail_server: MailServer
) -> None:
    queue(shop, 2)
    mail_server.answers["0@example.org"] = "421 Closing for a while"
    sender = shop.start("manage.py", "send_mails", "--every", "0.2")
    while shop.sql(WAITING) != [(1,)]:
        assert sender.poll() is None
        mail_server.has_data.wait(0.1)
    sender.send_signal(signal.SIGINT)
    out, err = sender.communicate(timeout=30)
    assert sender.returncode == 0, err
    assert "Closing for a while" in err
    assert "Sent 1" in out
    assert "Traceback" not in err


@pytest.mark.parametrize("every", ["0", "soon", "nan"])
def test_a_senseless_pause_is_refused(tmp_path: Path, every: str) -> None:
    shop = OwnShop(tmp_path, f"sqlite:///{tmp_path}/empty.sqlite3")
    ended = shop.run("manage.py", "send_mails", f"--every={every}")
    assert ended.returncode == 2
    assert "--every" in ended.stderr


def test_without_tables_it_says_what_to_do(tmp_path: Path) -> None:
    shop = OwnShop(tmp_path, f"sqlite:///{tmp_path}/empty.sqlite3")
    ended = shop.run("manage.py", "send_mails")
    assert ended.returncode == 1
    assert "manage.py migrate" in ended.stderr
