"""Settings are read once, at the start; so each case here is a start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="started without the environment that the tests are in"
)

HERE = Path(__file__).resolve().parents[2]
SHOW = """
import json
from shopsmart import settings as s
print(json.dumps({
    "key": str(s.SECRET_KEY), "hosts": s.ALLOWED_HOSTS, "debug": s.DEBUG,
    "origins": s.CSRF_TRUSTED_ORIGINS, "secure": s.SESSION_COOKIE_SECURE,
    "proto": getattr(s, "SECURE_PROXY_SSL_HEADER", None), "name": str(s.DATABASES["default"]["NAME"]),
}))
"""


def start(show: str = SHOW, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: os.environ[key] for key in ("PATH",) if key in os.environ}
    return subprocess.run(
        [sys.executable, "-c", show],
        cwd=HERE,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_laptop_needs_no_environment_at_all() -> None:
    shown = json.loads(start().stdout)
    assert shown["hosts"] == ["localhost", "127.0.0.1", "[::1]"]
    assert shown["debug"] is False
    assert shown["proto"] is None
    assert shown["name"] == str(HERE / "shopsmart.sqlite3")


def test_the_environment_decides(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("from-a-file\n")
    shown = json.loads(
        start(
            SECRET_KEY_FILE=str(key),
            ALLOWED_HOSTS="shop.example, www.shop.example,",
            CSRF_TRUSTED_ORIGINS="https://shop.example",
            DATABASE_URL="postgresql://db/shop",
            SECURE_COOKIES="1",
            TRUST_X_FORWARDED_PROTO="1",
        ).stdout
    )
    assert shown == {
        "key": "from-a-file",
        "hosts": ["shop.example", "www.shop.example"],
        "debug": False,
        "origins": ["https://shop.example"],
        "secure": True,
        "proto": ["HTTP_X_FORWARDED_PROTO", "https"],
        "name": "shop",
    }


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ALLOWED_HOSTS": "shop.example"}, "SECRET_KEY (or SECRET_KEY_FILE) must be set"),
        ({"ALLOWED_HOSTS": "*"}, "SECRET_KEY (or SECRET_KEY_FILE) must be set"),
        ({"DEBUG": "yes"}, "DEBUG is 0 or 1, not 'yes'"),
        ({"DATABASE_URL": "mysql://db/shop"}, "knows sqlite: and postgresql: only"),
        ({"SECRET_KEY_FILE": "/nowhere"}, "can't be read"),
        (
            {"CARD_GATEWAY_URL": "127.0.0.1:8190"},
            "CARD_GATEWAY_URL begins with http:// or https://",
        ),
        ({"CARD_GATEWAY_READ_TIMEOUT": "soon"}, "is a number of seconds, as in 2.5, not 'soon'"),
        ({"PAYMENT_GIVE_UP_AFTER": "0"}, "PAYMENT_GIVE_UP_AFTER is a number of seconds"),
        ({"EMAIL_URL": "pigeon://mail"}, "EMAIL_URL begins with pigeon:"),
        ({"CACHE_URL": "memory:"}, "CACHE_URL begins with memory:"),
        ({"TRUSTED_PROXIES": "proxy.example"}, "TRUSTED_PROXIES: 'proxy.example'"),
        ({"THROTTLES": "logins=1/m"}, "THROTTLES: 'logins=1/m' is no limit"),
        ({"THROTTLES": "login=1/fortnight"}, "'1/fortnight' is no rate"),
        ({"MAIL_AT_ONCE": "later"}, "MAIL_AT_ONCE is 0 or 1, not 'later'"),
    ],
)
def test_a_start_that_cannot_go_well_says_why(environment: dict[str, str], said: str) -> None:
    failed = start(**environment)
    assert failed.returncode != 0
    assert said in failed.stderr


MAIL = """
import json
from shopsmart import settings as s
print(json.dumps({
    "folder": str(getattr(s, "EMAIL_FILE_PATH", "")), "host": getattr(s, "EMAIL_HOST", ""),
    "from": s.DEFAULT_FROM_EMAIL, "url": s.PUBLIC_URL, "at_once": s.MAIL_AT_ONCE,
    "api": s.THROTTLE_RATES["api"], "proxies": [str(proxy) for proxy in s.TRUSTED_PROXIES],
}))
"""


def test_mails_lie_beside_the_database_unless_told_otherwise() -> None:
    shown = json.loads(start(MAIL).stdout)
    assert shown == {
        "folder": str(HERE / "mail"),
        "host": "",
        "from": "ShopSmart <shop@shopsmart.example>",
        "url": "http://127.0.0.1:8100",
        "at_once": True,
        "api": "600/m",
        "proxies": ["127.0.0.0/8", "::1/128"],
    }
    shown = json.loads(start(MAIL, DATABASE_URL="sqlite:////var/lib/shop.sqlite3").stdout)
    assert shown["folder"] == "/var/lib/mail"
    shown = json.loads(start(MAIL, DATABASE_URL="postgresql://db/shop").stdout)
    assert shown["folder"] == str(HERE / "mail")


def test_the_environment_decides_about_mails_and_limits(tmp_path: Path) -> None:
    url = tmp_path / "mail"
    url.write_text("smtps://shop:secret@mail.example\n")
    shown = json.loads(
        start(
            MAIL,
            EMAIL_URL_FILE=str(url),
            MAIL_FROM="Shop <hello@shop.example>",
            PUBLIC_URL="https://shop.example/",
            MAIL_AT_ONCE="0",
            THROTTLES="api=5/s",
            TRUSTED_PROXIES="10.0.0.0/8, 192.168.1.1",
        ).stdout
    )
    assert shown == {
        "folder": "",
        "host": "mail.example",
        "from": "Shop <hello@shop.example>",
        "url": "https://shop.example",
        "at_once": False,
        "api": "5/s",
        "proxies": ["10.0.0.0/8", "192.168.1.1/32"],
    }


@pytest.mark.django_db
def test_nobody_is_told_another_host_by_a_header(client: Client) -> None:
    answer = client.get("/api/catalog/products", headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 301
    assert "evil" not in answer.headers["Location"]
    assert client.get("/api/catalog/brands/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.django_db
def test_static_files_are_served_without_being_collected(client: Client) -> None:
    whole = client.get("/static/admin/css/base.css")
    assert whole.status_code == 200
    part = client.get("/static/admin/css/base.css", headers={"Range": "bytes=0-9"})
    assert part.status_code == 206
    assert b"".join(part) == b"".join(whole)[:10]


def test_pictures_are_sent_as_pictures_on_a_machine_that_knows_no_types() -> None:
    shown = start(
        "import mimetypes; mimetypes.knownfiles.clear()\n"
        "from shopsmart import settings\n"
        "print([mimetypes.guess_type(f'a.{end}')[0] for end in ('webp', 'jpeg', 'jpg', 'png')])"
    )
    assert shown.stdout == "['image/webp', 'image/jpeg', 'image/jpeg', 'image/png']\n"
