"""What the mail catcher promises its two sides, against a real process."""

import smtplib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from catcher_process import CatcherProcess

from mail_catcher.box import Box, BoxError

LINE = b"x" * 70 + b"\r\n"


def most_memory(process: int) -> int:
    """The most bytes that a process ever had in memory."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.fixture(scope="module")
def mail_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatcherProcess]:
    """One that is asked as ``mail`` too."""
    box = tmp_path_factory.mktemp("host") / "box.sqlite3"
    with CatcherProcess(box, "--hosts", "other, mail") as running:
        yield running


def test_a_mail_is_kept_as_it_came_and_told_in_readable_form(catcher: CatcherProcess) -> None:
    catcher.send(
        "Your order S-1: paid ✓", to=["ann@shop.example", "Ben@shop.example"], text="Grüße\n"
    )
    (mail,) = catcher.get("/api/mails")["mails"]
    assert mail["subject"] == "Your order S-1: paid ✓"
    assert mail["sender"] == "shop@shop.example"
    assert mail["recipients"] == ["ann@shop.example", "Ben@shop.example"]
    told = catcher.get(f"/api/mails/{mail['id']}")
    assert told["text"] == "Grüße\n"
    assert told["attachments"] == []
    assert ["To", "ann@shop.example, Ben@shop.example"] in told["headers"]
    source = requests.get(f"{catcher.url}/api/mails/{mail['id']}/source", timeout=20)
    assert source.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(source.content) == mail["bytes"]
    assert b"paid =?utf-8?b?" in source.content


def test_the_list_is_of_the_newest_first_of_one_address_and_of_later_ones(
    catcher: CatcherProcess,
) -> None:
    catcher.send("one", to=["ann@shop.example"])
    catcher.send("two", to=["ben@shop.example", "ann@shop.example"])
    catcher.send("three", to=["ben@shop.example"])
    assert catcher.subjects() == ["three", "two", "one"]
    assert catcher.subjects(to="ANN@shop.example") == ["two", "one"]
    first = catcher.get("/api/mails", to="ann@shop.example")["mails"][-1]["id"]
    assert catcher.subjects(after=str(first)) == ["three", "two"]
    assert catcher.subjects(limit="1") == ["three"]
    assert catcher.subjects(to="nobody@shop.example") == []


def test_what_was_taken_is_there_after_the_process_was_killed(catcher: CatcherProcess) -> None:
    catcher.send("before")
    catcher.kill()
    catcher.start()
    catcher.send("after")
    assert catcher.subjects() == ["after", "before"]


def test_the_oldest_make_room(tmp_path: Path) -> None:
    with CatcherProcess(tmp_path / "box.sqlite3", "--keep", "2") as catcher:
        for subject in ("one", "two", "three"):
            catcher.send(subject)
        assert catcher.subjects() == ["three", "two"]
        with sqlite3.connect(catcher.box) as box:
            assert box.execute("SELECT count(*) FROM recipient").fetchone() == (2,)


def test_a_box_stays_small_in_bytes_too_and_the_newest_stays_whatever_its_size(
    tmp_path: Path,
) -> None:
    with CatcherProcess(tmp_path / "box.sqlite3", "--keep-bytes", "5000") as catcher:
        for subject in ("one", "two", "three"):
            catcher.send(subject, text="x" * 60 + "\n" + "x" * 2000)
        assert catcher.subjects() == ["three", "two"]
        catcher.send("huge", text="x\n" * 5000)
        assert catcher.subjects() == ["huge"]


def test_a_box_of_another_version_is_left_alone(tmp_path: Path) -> None:
    box = tmp_path / "box.sqlite3"
    Box(box, keep=1, keep_bytes=1).close()
    with closing(sqlite3.connect(box)) as older:
        older.execute("PRAGMA user_version = 1")
    with pytest.raises(BoxError, match="another version made it"):
        Box(box, keep=1, keep_bytes=1)


def test_a_list_reads_no_mail(catcher: CatcherProcess) -> None:
    before = most_memory(catcher.process.pid)
    with catcher.client() as client:
        for _ in range(12):
            client.sendmail(
                "a@shop.example", ["b@shop.example"], b"Subject: big\r\n\r\n" + LINE * 50_000
            )
    taken = most_memory(catcher.process.pid)
    assert taken > before
    assert catcher.subjects() == ["big"] * 12
    assert requests.get(f"{catcher.url}/", timeout=20).text.count("big") == 12
    assert most_memory(catcher.process.pid) - taken < 20_000_000


def test_a_mail_that_cannot_be_kept_is_put_off_so_that_it_comes_again(
    catcher: CatcherProcess,
) -> None:
    with sqlite3.connect(catcher.box) as box:
        box.execute(
            "CREATE TRIGGER full BEFORE INSERT ON mail BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(smtplib.SMTPDataError) as refused:
        catcher.send("lost?")
    assert refused.value.smtp_code == 451
    with sqlite3.connect(catcher.box) as box:
        box.execute("DROP TRIGGER full")
    catcher.send("not lost")
    assert catcher.subjects() == ["not lost"]


@pytest.mark.parametrize(
    "command", [b"MAIL FROM:<x\xff@shop.example> SMTPUTF8", b"RCPT TO:<x\xff@b.c>"]
)
def test_an_address_that_is_no_text_is_refused_and_the_others_are_taken(
    catcher: CatcherProcess, command: bytes
) -> None:
    with catcher.client() as client:
        client.ehlo()
        if command.startswith(b"RCPT"):
            client.docmd("MAIL FROM:<ann@shop.example> SMTPUTF8")
        client.sock.sendall(command + b"\r\n")
        assert client.getreply()[0] == 553
        client.rset()
        client.sendmail("ann@shop.example", ["ben@shop.example"], b"Subject: taken\r\n\r\n")
    assert catcher.subjects() == ["taken"]


def test_a_mail_goes_to_a_hundred_at_most(catcher: CatcherProcess) -> None:
    many = [f"shopper{number}@shop.example" for number in range(101)]
    with catcher.client() as client:
        refused = client.sendmail("shop@shop.example", many, b"Subject: all\r\n\r\n")
    assert {address: code for address, (code, _) in refused.items()} == {many[100]: 452}
    assert catcher.get("/api/mails")["mails"][0]["recipients"] == many[:100]


def test_a_mail_that_is_too_big_is_refused_for_good(catcher: CatcherProcess) -> None:
    with catcher.client() as client, pytest.raises(smtplib.SMTPResponseException) as refused:
        client.sendmail("a@shop.example", ["b@shop.example"], b"x" * (4 * 1024 * 1024 + 1))
    assert refused.value.smtp_code == 552
    assert catcher.subjects() == []


def test_mails_that_are_no_mails_are_shown_all_the_same(catcher: CatcherProcess) -> None:
    with catcher.client() as client:
        client.sendmail("", ["b@shop.example"], b"just text, no header\r\n")
        client.sendmail("a@shop.example", ["b@shop.example"], b"Subject: \xff\xfe\r\n\r\n\xff")
        client.sendmail(
            "a@shop.example",
            ["b@shop.example"],
            b"Subject: odd\r\nContent-Type: text/plain; charset=nobody-knows\r\n\r\ntext",
        )
    assert [mail["sender"] for mail in catcher.get("/api/mails")["mails"]] == [
        "a@shop.example",
        "a@shop.example",
        "",
    ]
    for number in (1, 2, 3):
        assert requests.get(f"{catcher.url}/mails/{number}", timeout=20).status_code == 200
        assert requests.get(f"{catcher.url}/api/mails/{number}", timeout=20).status_code == 200
    assert catcher.get("/api/mails/3")["text"] == "text\n"


def test_what_a_mail_holds_is_text_on_the_pages(catcher: CatcherProcess) -> None:
    evil = "<script>alert(1)</script>"
    catcher.send(evil, text=f"{evil}\n")
    for path in ("/", "/mails/1", f"/?to={evil}"):
        page = requests.get(f"{catcher.url}{path}", timeout=20)
        assert evil not in page.text, path
        assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("[::1]:8191", 200),
        ("192.0.2.1", 200),
        ("Mail:8191", 200),
        ("mail.", 200),
        ("rebound.example", 403),
        ("mail.rebound.example", 403),
        ("127.0.0.1.rebound.example", 403),
        ("127.0.0.1@rebound.example", 403),
        ("[rebound.example]", 403),
        ("", 403),
    ],
)
def test_only_its_own_names_and_addresses_are_answered(
    mail_host: CatcherProcess, asked: str, status: int
) -> None:
    for path in ("/", "/api/mails", "/nowhere"):
        answer = requests.get(f"{mail_host.url}{path}", headers={"Host": asked}, timeout=20)
        assert answer.status_code == (404 if (path, status) == ("/nowhere", 200) else status)
    if status == 403:
        assert "MAIL_CATCHER_HOSTS" in answer.json()["detail"]


def test_what_cannot_be_read_is_told_by_field(catcher: CatcherProcess) -> None:
    answer = requests.get(f"{catcher.url}/api/mails?after=x&limit=0", timeout=20)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == {
        "after": "must be the number of a mail",
        "limit": "must be from 1 to 1000",
    }
    for path in ("/mails/7", "/api/mails/7", "/api/mails/7/source", f"/api/mails/{2**63}"):
        assert requests.get(f"{catcher.url}{path}", timeout=20).status_code == 404, path


def test_it_ends_when_told_to_although_a_client_hangs_on(catcher: CatcherProcess) -> None:
    with catcher.client() as client:
        client.ehlo()
        assert catcher.stop() == 0
    catcher.start()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--box", "missing/box.sqlite3"], "can't open missing/box.sqlite3"),
        (["--box", "other.sqlite3"], "the database of something else"),
        (["--box", "box.sqlite3", "--keep", "0"], "from 1 to 1,000,000,000,000"),
    ],
)
def test_what_cannot_be_served_is_told(tmp_path: Path, arguments: list[str], words: str) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite3") as other:
        other.execute("CREATE TABLE theirs (id)")
    ended = subprocess.run(
        [*(sys.executable, "-m", "mail_catcher", "--port", "0", "--smtp-port", "0"), *arguments],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert words in ended.stderr
    with sqlite3.connect(tmp_path / "other.sqlite3") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_port_that_is_taken_is_named(catcher: CatcherProcess, tmp_path: Path) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "mail_catcher", "--box", str(tmp_path / "b.sqlite3")),
            *("--port", "0", "--smtp-port", str(catcher.smtp_port)),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert f"can't listen on 127.0.0.1:{catcher.smtp_port}" in ended.stderr
