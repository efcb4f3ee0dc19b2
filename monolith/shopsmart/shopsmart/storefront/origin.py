"""Takes forms without a token, from pages that are the same for everybody.

A CSRF token would give every reader of a product's page a cookie and bytes of their own, and no cache
or comparison could use it any more. Browsers say where a form comes from; that is believed instead.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.views.csrf import csrf_failure
from django.views.decorators.csrf import csrf_exempt


def from_this_shop(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a POST through to `view` if a page of this shop sent it; else answer 403."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not _is_ours(request):
            return csrf_failure(request)
        return view(request, *args, **kwargs)

    return csrf_exempt(guarded)


def _is_ours(request: HttpRequest) -> bool:
    """No page can forge these headers; a client that sends neither is no browser, and has the API."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin", "")
    # Without the scheme: whoever ends TLS before the shop may not have told it.
    return urlsplit(origin).netloc == request.get_host()
