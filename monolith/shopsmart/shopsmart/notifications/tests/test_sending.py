"""Mails on their way to a real SMTP server. (What rolls back around a test is on a connection of its own thread.)"""

import signal
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from shopsmart.notifications import sending
from shopsmart.notifications.models import Mail
from shopsmart.notifications.sending import claim_next, send_queued
from shopsmart.notifications.tests.mail_server import MailServer
from shopsmart.notifications.tests.make import make_mails

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_due_is_sent_over_one_connection(smtp: MailServer) -> None:
    make_mails("a@example.org", "b@example.org", "c@example.org")
    run = send_queued()
    assert (run.sent, run.failed, run.postponed, run.unreachable) == (3, 0, 0, "")
    assert smtp.recipients == ["a@example.org", "b@example.org", "c@example.org"]
    assert smtp.connections == 1
    for mail in Mail.objects.all():
        assert (mail.state, mail.attempts, mail.claim, mail.last_error) == ("sent", 1, None, "")
        assert mail.sent_at is not None
    assert send_queued().sent == 0
    assert len(smtp.mails) == 3


def test_a_connection_is_given_up_now_and_then(
    smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MAILS_PER_CONNECTION", 2)
    make_mails(*(f"{n}@example.org" for n in range(5)))
    assert send_queued().sent == 5
    assert smtp.connections == 3


def test_a_mail_arrives_as_it_was_written(smtp: MailServer) -> None:
    body = "Größe: 3 × „M“ – €9.00\n.\nFrom here on it is mine.\n" + "x" * 2000 + "\n"
    (mail,) = make_mails("ada@example.org", subject="Ihre Bestellung – größer", body=body)
    send_queued()
    (got,) = smtp.mails
    assert got["Subject"] == "Ihre Bestellung – größer"
    assert got.get_content().replace("\r\n", "\n") == body
    assert got["From"] == "ShopSmart <shop@shopsmart.example>"
    assert got["To"] == "ada@example.org"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Date"].datetime == mail.created_at.replace(microsecond=0)
    assert got.get_content_type() == "text/plain"


def test_a_second_copy_has_the_same_message_id_and_no_other_mail_has_it(smtp: MailServer) -> None:
    mail, _ = make_mails("a@example.org", "b@example.org")
    send_queued()
    Mail.objects.filter(pk=mail.pk).update(state="queued", sent_at=None)
    send_queued()
    first, other, again = (got["Message-ID"] for got in smtp.mails)
    assert first == again
    assert first != other
    assert first.endswith("@shopsmart.example>")


def test_a_mailbox_that_does_not_exist_is_given_up_and_the_others_are_served(
    smtp: MailServer,
) -> None:
    smtp.answers["gone@example.org"] = "550 No such mailbox"
    gone, _ = make_mails("gone@example.org", "b@example.org")
    run = send_queued()
    assert (run.sent, run.failed) == (1, 1)
    gone.refresh_from_db()
    assert (gone.state, gone.claim) == ("failed", None)
    assert "No such mailbox" in gone.last_error
    assert send_queued().failed == 0


def test_a_mailbox_that_is_full_is_tried_again_later_and_later(smtp: MailServer) -> None:
    smtp.answers["full@example.org"] = "452 Mailbox full"
    full, _ = make_mails("full@example.org", "b@example.org")
    pauses = []
    for _ in range(9):
        assert send_queued().postponed == 1
        assert send_queued().postponed == 0  # not before its time
        full.refresh_from_db()
        assert (full.state, full.claim) == ("queued", None)
        pauses.append(round((full.not_before - timezone.now()) / timedelta(minutes=1)))
        Mail.objects.filter(pk=full.pk).update(not_before=timezone.now())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    Mail.objects.filter(pk=full.pk).update(attempts=sending.MAX_ATTEMPTS - 1)
    assert send_queued().failed == 1
    smtp.answers.clear()
    assert send_queued().sent == 0
    assert smtp.recipients == ["b@example.org"]


@pytest.mark.parametrize("answer", ["421 Going down", "530 Log in first"])
def test_a_server_that_says_421_ends_the_run(smtp: MailServer, answer: str) -> None:
    smtp.answers["a@example.org"] = answer
    make_mails("a@example.org", "b@example.org")
    run = send_queued()
    if answer.startswith("421"):
        assert (run.sent, run.postponed) == (0, 1)
        assert "Going down" in run.unreachable
    else:
        assert (run.sent, run.failed) == (1, 1)


def test_a_server_that_is_away_costs_one_mail_one_attempt(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    first, second = make_mails("a@example.org", "b@example.org")
    run = send_queued()
    assert (run.sent, run.postponed) == (0, 1)
    assert "ConnectionRefusedError" in run.unreachable
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.attempts, second.attempts) == ("queued", 1, 0)
    assert first.not_before > timezone.now() >= second.not_before


def test_a_subject_with_a_line_break_is_given_up_and_injects_no_header(smtp: MailServer) -> None:
    make_mails("a@example.org", subject="Hi\nBcc: all@example.org")
    make_mails("b@example.org")
    run = send_queued()
    assert (run.sent, run.failed) == (1, 1)
    assert smtp.recipients == ["b@example.org"]


def test_nothing_is_sent_inside_a_transaction(smtp: MailServer) -> None:
    make_mails("a@example.org")
    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of transactions"):
        send_queued()
    assert not smtp.mails


def test_a_claim_keeps_others_off_until_it_runs_out(smtp: MailServer) -> None:
    (mail,) = make_mails("a@example.org")
    claimed = claim_next()
    assert claimed is not None
    assert claimed.claimed_until > timezone.now() + timedelta(minutes=9)
    assert claim_next() is None
    assert send_queued().sent == 0
    Mail.objects.filter(pk=mail.pk).update(claimed_until=timezone.now())
    assert send_queued().sent == 1


def test_who_lost_the_claim_does_not_write_over_the_outcome(
    smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mail,) = make_mails("a@example.org")
    whole = sending.message_of

    def slow(claimed: Mail) -> object:
        # Meanwhile the claim ran out, and another sender has sent the mail.
        Mail.objects.filter(pk=mail.pk).update(
            state="sent", sent_at=timezone.now(), claim=None, claimed_until=None, last_error="other"
        )
        return whole(claimed)

    monkeypatch.setattr(sending, "message_of", slow)
    assert send_queued().sent == 0
    mail.refresh_from_db()
    assert (mail.state, mail.last_error) == ("sent", "other")


def test_it_stops_between_two_mails(smtp: MailServer) -> None:
    make_mails("a@example.org", "b@example.org")
    done: list[int] = []
    send_queued(stop=lambda: bool(done), done=lambda: done.append(1))
    assert len(smtp.mails) == 1
    assert Mail.objects.filter(state="queued", claim=None).count() == 1


def test_files_are_mails_that_a_mail_program_opens(settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "shopsmart.notifications.files.FileBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "deep" / "mail"
    (mail,) = make_mails("a@example.org", body="Grüße\n")
    ends = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    call_command("send_mails", verbosity=0)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == ends
    Mail.objects.filter(pk=mail.pk).update(state="queued", sent_at=None)
    call_command("send_mails", verbosity=0)
    (file,) = settings.EMAIL_FILE_PATH.iterdir()  # the second copy is the first one's file
    assert file.suffix == ".eml"
    assert b"To: a@example.org" in file.read_bytes()
