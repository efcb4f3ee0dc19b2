from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _nothing_is_counted_yet() -> Iterator[None]:
    """Limits are counted in the cache by user id, and each test's first user has the same."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _mails_wait(settings: Settings) -> None:
    """No thread looks into a test's database; the tests of the mails wake it themselves."""
    settings.MAIL_AT_ONCE = False


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Hashing passwords well takes a third of a second each; these guard nothing. What is hashed well can still be read."""
    hashers = "django.contrib.auth.hashers"
    settings.PASSWORD_HASHERS = [f"{hashers}.MD5PasswordHasher", f"{hashers}.PBKDF2PasswordHasher"]
