"""How often somebody may do what costs the shop or is worth guessing at.

Counted in Django's cache, so for as many processes as share one (`CACHE_URL`), in windows that
begin at multiples of their length: across the border of two at most twice the rate gets through.
A counter is raised before it is read, so that requests sent at once don't all see room.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from time import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from rest_framework.throttling import BaseThrottle

from shopsmart.accounts.client_address import client_of
from shopsmart.accounts.rates import read_rate
from shopsmart.accounts.selectors import account_named
from shopsmart.errors import too_many_requests

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Counted:
    """One thing done, as its counter saw it."""

    is_allowed: bool
    wait_s: int = 0  # until the window ends
    key: str = ""

    def give_back(self) -> None:
        """Have it not counted after all."""
        if self.key:
            _in_cache(lambda: cache.decr(self.key))


def count(scope: str, who: str) -> Counted:
    """Count one more in a scope of THROTTLE_RATES for `who`."""
    rate = read_rate(settings.THROTTLE_RATES[scope])
    if rate is None:
        return Counted(is_allowed=True)
    number, period_s = rate
    now = time()
    window = int(now // period_s)
    key = f"throttle:{scope}:{window}:{sha256(who.encode()).hexdigest()[:32]}"

    def raise_counter() -> int:
        cache.add(key, 0, timeout=period_s * 2)
        return cache.incr(key)

    return Counted(
        is_allowed=_in_cache(raise_counter) <= number,
        wait_s=math.ceil((window + 1) * period_s - now),
        key=key,
    )


class Throttle(BaseThrottle):
    """So many requests of a scope in so long a time, for each user or, before login, each address."""

    scope = "api"

    def allow_request(self, request: Any, view: Any = None) -> bool:
        """Count this request; whether it may pass."""
        self._counted = count(self.scope, who_asks(request))
        return self._counted.is_allowed

    def wait(self) -> float:
        """Seconds until there is room again; for `Retry-After`."""
        return self._counted.wait_s


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


class PasswordThrottle(Throttle):
    """Passwords changed: who found an open session could guess at the old one."""

    scope = "password"


def throttle_of(request: HttpRequest, throttle: type[Throttle]) -> float | None:
    """Count a form that was sent: None where it may pass, else the seconds to wait."""
    counted = throttle()
    return None if counted.allow_request(request) else counted.wait()


def limit_posts(throttle: type[Throttle]) -> Callable[[View], View]:
    """Have a view answer 429 with a page to who sends its form too often."""

    def limited(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            wait_s = throttle_of(request, throttle) if request.method == "POST" else None
            if wait_s is not None:
                return too_many_requests(request, wait_s)
            return view(request, *args, **kwargs)

        return answer

    return limited


def limit_logins(view: View) -> View:
    """Have a login view answer 429 with a page to who guesses passwords; who gets in isn't counted.

    An attempt counts for its address and account together, which is what a person meets who forgot
    a password; then for its address, which may try many accounts; then for its account, which may be
    tried from many addresses. What is refused counts no further, so that nobody can lock out
    somebody else from a single address.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        name = account_named(request.POST.get("username", ""))
        address = client_of(request)
        attempt = []
        for scope, who in (
            ("login", f"{address} {name}"),
            ("login-address", address),
            ("login-name", name),
        ):
            attempt.append(count(scope, who))
            if not attempt[-1].is_allowed:
                return too_many_requests(request, attempt[-1].wait_s)
        response = view(request, *args, **kwargs)
        # Both: the admin shows its form again, as 200, to shoppers who are logged in already.
        if request.user.is_authenticated and response.status_code == 302:
            for counted in attempt:
                counted.give_back()
        return response

    return answer


def who_asks(request: Any) -> str:
    """Whose requests are counted together."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user-{user.pk}"
    return client_of(request)


def _in_cache(act: Callable[[], int]) -> int:
    """What the cache says; 0 where it can't: a shop without limits is better than no shop."""
    try:
        return act()
    except ValueError:
        return 0  # a full cache threw the counter out in between
    except Exception:
        logger.exception("The cache can't be reached: nothing is limited.")
        return 0
