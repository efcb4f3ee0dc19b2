"""How often somebody may do what costs the shop or is worth guessing at.

Counted in Django's cache, so for as many processes as share one (`CACHE_URL`), in windows that
begin at multiples of their length: across the border of two at most twice the rate gets through.
The counter is raised before it is read, so that requests sent at once don't all see room.
"""

import math
import re
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from shopsmart.accounts.client_address import client_of

RATE = re.compile(r"(?P<number>\d+)/(?P<periods>\d*)(?P<unit>[smhd])\Z")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def read_rate(text: str) -> tuple[int, int] | None:
    """`10/15m` as (10, 900); None for `off`. Raises ImproperlyConfigured."""
    if text == "off":
        return None
    match = RATE.match(text)
    if match is None or not int(match["number"]):
        raise ImproperlyConfigured(f"{text!r} is no rate: write 10/m, 10/15m, 100/h, or off.")
    return int(match["number"]), int(match["periods"] or 1) * SECONDS[match["unit"]]


class Throttle(BaseThrottle):
    """So many requests of a scope in so long a time, for each user or, before login, each address."""

    scope = "api"

    def allow_request(self, request: Any, view: Any = None) -> bool:
        """Count this request; whether it may pass."""
        rate = read_rate(settings.THROTTLE_RATES[self.scope])
        if rate is None:
            return True
        return self._count(self.who(request), *rate)

    def wait(self) -> float:
        """Seconds until there is room again; for `Retry-After`."""
        return self._wait_s

    def who(self, request: Any) -> str:
        """Whose requests are counted together."""
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            return f"user-{user.pk}"
        return client_of(request)

    def _count(self, who: str, number: int, period_s: int) -> bool:
        now = time.time()
        window = int(now // period_s)
        self._wait_s = math.ceil((window + 1) * period_s - now)
        key = f"throttle:{self.scope}:{window}:{who}"
        cache.add(key, 0, timeout=period_s * 2)
        try:
            return cache.incr(key) <= number
        except ValueError:
            return True  # a full cache threw the counter out in between


class ApiThrottle(Throttle):
    """Everything under /api/ but the catalogue, for each user."""


class CheckoutThrottle(Throttle):
    """Orders placed: each asks the card gateway, and cards are tried out in shops."""

    scope = "checkout"


class TokenThrottle(Throttle):
    """API tokens made."""

    scope = "token"


class RegisterThrottle(Throttle):
    """Accounts made: each sends a mail to whatever address was typed."""

    scope = "register"


def throttle_of(request: HttpRequest, throttle: type[Throttle]) -> float | None:
    """Count a form that was sent: None where it may pass, else the seconds to wait."""
    counted = throttle()
    return None if counted.allow_request(request) else counted.wait()
