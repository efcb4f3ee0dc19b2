"""Turns CACHE_URL into Django's CACHES entry. The cache counts what is limited; nothing else is in it."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

# Counters of so many clients at once; a fuller cache throws some away, and forgets what they did.
MAX_ENTRIES = 50_000


def cache_from_url(url: str) -> dict[str, Any]:
    """The CACHES entry for `url`: `locmem:` (each process its own) or `redis://host:port/0`.

    Raises ImproperlyConfigured, never showing the password.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "locmem" and not rest:
        return {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": MAX_ENTRIES},
        }
    if scheme in ("redis", "rediss"):
        if find_spec("redis") is None:
            raise ImproperlyConfigured("CACHE_URL names Redis: pip install 'shopsmart[redis]'.")
        if not urlsplit(url).hostname:
            raise ImproperlyConfigured("CACHE_URL names no server: redis://host:port/0.")
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": "shopsmart",
        }
    raise ImproperlyConfigured(
        f"CACHE_URL begins with {scheme or 'nothing'}:, but the shop knows locmem: and redis:// only."
    )
