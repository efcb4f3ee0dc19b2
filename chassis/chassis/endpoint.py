"""What every endpoint under /_chassis/ needs, whatever the project around it is set to."""

from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

View = Callable[..., HttpResponse]


def internal(view: Callable[[HttpRequest], HttpResponse] | View) -> View:
    """Never cached; not sent to a login page (LoginRequiredMiddleware); callable without a CSRF token; outside
    ATOMIC_REQUESTS, which would open a transaction first and so need the database to say that it is away."""
    wrapped: View = csrf_exempt(never_cache(transaction.non_atomic_requests(view)))
    wrapped.login_required = False  # type: ignore[attr-defined]  # Django 5.1's login_not_required sets it
    return wrapped
