"""Mails that were made to break their reader: they are taken, listed and shown like any other."""

from collections.abc import Iterator

import pytest
import requests
from catcher_process import CatcherProcess

PLAIN = b"Subject: x\r\nContent-Type: text/plain; charset="
NESTED = b"\r\n--x\r\nContent-Type: multipart/mixed; boundary=x"

MAILS = {
    "nothing": b"",
    "subject of surrogates": b"Subject: =?unicode_escape?q?=5Cud800?=\r\n\r\nseen",
    "subject of no charset": b"Subject: =?undefined?q?a?=\r\n\r\nseen",
    "subject of half a word": b"Subject: =?utf-8?b?x?=\r\n\r\nseen",
    "subject without end": b"Subject: " + b"x" * 900 + b"\r\n xxxxxxxx" * 100 + b"\r\n\r\nseen",
    "text of surrogates": PLAIN + b"unicode_escape\r\n\r\n\\ud800",
    "text in utf-7": PLAIN + b"utf-7\r\n\r\n+2AA-",
    "text of a codec that is no charset": PLAIN + b"zlib_codec\r\n\r\nseen",
    "text in punycode": PLAIN + b"punycode\r\n\r\n-\xff\x99999999",
    "half an address": b"To: <\r\n\r\nseen",
    "half a number": b"Message-ID: <\r\n\r\nseen",
    "a date too far": b"Date: 1 Jan 99999999999999999999 00:00\r\n\r\nseen",
    "a name of a header": b"X\xff: 1\r\n\r\nseen",
    "a disposition of nothing": b"Content-Disposition: ;\r\n\r\nseen",
    "a file's name in bytes": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nseen\r\n--x\r\n"
    b'Content-Disposition: attachment; filename="\xff.txt"\r\n\r\nab\r\n--x--',
    "parts without end": b"Content-Type: multipart/mixed; boundary=x\r\n" + NESTED * 1500,
    "parts of many borders": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth)
        for depth in range(1500)
    ),
    "mails without end": b"Content-Type: message/rfc822\r\n\r\n" * 1500,
    "comments without end": b"To: " + b"((((((((\r\n " * 600 + b"\r\n\r\nseen",
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatcherProcess]:
    """A mail catcher that took all of them, in their order."""
    with CatcherProcess(tmp_path_factory.mktemp("hostile") / "box.sqlite3") as running:
        with running.client() as client:
            for mail in MAILS.values():
                client.sendmail("a@shop.example", ["b@shop.example"], mail)
        yield running


def test_the_list_tells_of_all_of_them(box: CatcherProcess) -> None:
    assert len(box.subjects()) == len(MAILS)
    assert max(map(len, box.subjects())) == 1000
    assert requests.get(f"{box.url}/", timeout=60).text.count("<li>") == len(MAILS)


@pytest.mark.parametrize("name", MAILS)
def test_each_is_shown(box: CatcherProcess, name: str) -> None:
    number = list(MAILS).index(name) + 1
    page = requests.get(f"{box.url}/mails/{number}", timeout=60)
    told = requests.get(f"{box.url}/api/mails/{number}", timeout=60)
    assert (page.status_code, told.status_code) == (200, 200)
    if b"seen" in MAILS[name]:
        assert "seen" in page.text
        assert "seen" in told.json()["text"]


def test_a_broken_header_keeps_nobody_from_the_others(box: CatcherProcess) -> None:
    number = list(MAILS).index("half an address") + 1
    assert box.get(f"/api/mails/{number}")["headers"] == [["To", "<"]]
