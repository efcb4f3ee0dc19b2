"""The page of a shopper's API tokens. A token is shown once, on the page after the one that made it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from shopsmart.accounts import selectors, services
from shopsmart.accounts.forms import TokenForm
from shopsmart.accounts.models import ApiToken
from shopsmart.accounts.throttling import TokenThrottle, limit_posts


@login_required
@limit_posts(TokenThrottle)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """All tokens and a form for another; POST makes one."""
    form = TokenForm(request.POST or None)
    if form.is_valid():
        age = form.cleaned_data["lasts"]
        expires_at = timezone.now() + age if age else None
        try:
            _, token = services.create_token(
                user=request.user, name=form.cleaned_data["name"], expires_at=expires_at
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            # MESSAGE_STORAGE: it travels in a signed cookie that the next page takes away, and is never stored here.
            messages.success(request, token, extra_tags="token")
            return redirect("accounts:tokens")
    shown = {"form": form, "tokens": selectors.list_tokens(user=request.user)}
    return render(request, "accounts/tokens.html", shown)


@login_required
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token at once."""
    try:
        found = selectors.get_token(user=request.user, pk=pk)
    except ApiToken.DoesNotExist as error:
        raise Http404("There is no such token.") from error
    services.revoke_token(token=found)
    messages.info(request, f"The token “{found.name}” opens nothing any more.")
    return redirect("accounts:tokens")
