from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from shopsmart.mail_url import mail_from_url

HERE = Path("/srv/shop")
FILES = "shopsmart.notifications.files.FileBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:mail", "/srv/shop/mail"),
        ("file:var/my%20mail", "/srv/shop/var/my mail"),
        ("file:///var/mail/shop", "/var/mail/shop"),
    ],
)
def test_mails_go_into_a_folder(url: str, folder: str) -> None:
    assert mail_from_url(url, directory=HERE) == {
        "EMAIL_BACKEND": FILES,
        "EMAIL_FILE_PATH": Path(folder),
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:8191", ("127.0.0.1", 8191, "", "", False, False)),
        ("smtp://mail.example/", ("mail.example", 25, "", "", False, False)),
        ("smtp+tls://me:p%40ss@mail.example", ("mail.example", 587, "me", "p@ss", True, False)),
        ("smtps://me@mail.example:4650", ("mail.example", 4650, "me", "", False, True)),
        ("smtp://[::1]:2525", ("::1", 2525, "", "", False, False)),
    ],
)
def test_mails_go_to_a_server(url: str, expected: tuple[Any, ...]) -> None:
    told = mail_from_url(url, directory=HERE)
    assert told["EMAIL_BACKEND"] == SMTP
    assert told["EMAIL_TIMEOUT"] == 10
    keys = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(told[f"EMAIL_{key}"] for key in keys) == expected


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "begins with nothing:"),
        ("mail.example:25", "knows file:, smtp:"),
        ("http://me:secret@mail.example", "knows file:, smtp:"),
        ("smtp://me:secret@mail.example:port", "check its host and port"),
        ("smtp://me:secret@mail.example:99999", "check its host and port"),
        ("smtp://me:secret@", "names a mail server"),
        ("smtp://", "names a mail server"),
        ("smtp://mail.example/inbox", "nothing behind it"),
        ("smtp://mail.example?tls=1", "nothing behind it"),
        ("file:", "names a folder"),
        ("file://mail", "names a folder"),
        ("file:///", "names a folder"),
    ],
)
def test_what_can_not_be_understood_is_said_without_the_password(url: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        mail_from_url(url, directory=HERE)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
