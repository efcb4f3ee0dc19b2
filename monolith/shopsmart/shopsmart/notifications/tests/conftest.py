from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from shopsmart.notifications.tests.mail_server import MailServer
from shopsmart.notifications.tests.own_shop import OwnShop, own_shop


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A real SMTP server on a port of its own."""
    with MailServer() as server:
        yield server


@pytest.fixture
def smtp(mail_server: MailServer, settings: Settings) -> MailServer:
    """The mail server, and settings that lead to it (pytest-django puts mails into a list otherwise)."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail_server.port
    settings.EMAIL_TIMEOUT = 5
    return mail_server


@pytest.fixture(scope="session")
def migrated_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnShop]:
    """An empty shop to copy: migrating takes seconds, copying none."""
    with own_shop(tmp_path_factory.mktemp("migrated")) as shop:
        yield shop


@pytest.fixture
def shop(tmp_path: Path, mail_server: MailServer, migrated_shop: OwnShop) -> Iterator[OwnShop]:
    """A shop of one test's own, whose mails go to its mail server."""
    with own_shop(tmp_path, like=migrated_shop, EMAIL_URL=mail_server.url) as shop:
        yield shop
