"""The inbox: what the shop has told a shopper."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shopsmart.notifications import selectors, services
from shopsmart.notifications.models import Notification
from shopsmart.paging import page_of

NEWS_ON_PAGE = 20


@login_required
@never_cache
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The newest first, in pages. Looking at the list reads nothing: opening one does."""
    news = selectors.list_notifications(user=request.user)
    return render(
        request,
        "accounts/inbox.html",
        {
            "page": page_of(news, request.GET, size=NEWS_ON_PAGE),
            "has_unread": selectors.count_unread(user=request.user) > 0,
        },
    )


@login_required
@require_POST
def open_notification(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that one was read, and lead to what it is about."""
    try:
        found = selectors.get_notification(user=request.user, pk=pk)
    except Notification.DoesNotExist as error:
        raise Http404("There is no such message.") from error
    services.mark_read(notification=found)
    return redirect(found.url or "accounts:inbox")


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Note that everything was read."""
    services.mark_all_read(user=request.user)
    messages.info(request, "Everything is marked as read.")
    return redirect("accounts:inbox")
