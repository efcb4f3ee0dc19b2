"""Pages about oneself: profile, picture, password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from shopsmart.accounts import services
from shopsmart.accounts.forms import AvatarForm, ProfileForm
from shopsmart.accounts.models import User
from shopsmart.accounts.selectors import reviews_by


class PasswordView(auth_views.PasswordChangeView):
    template_name = "accounts/password.html"
    success_url = reverse_lazy("accounts:account")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed. Other devices are logged out.")
        return super().form_valid(form)


def _account_page(
    request: HttpRequest,
    profile_form: ProfileForm | None = None,
    avatar_form: AvatarForm | None = None,
) -> HttpResponse:
    return render(
        request,
        "accounts/account.html",
        {
            "profile_form": profile_form or ProfileForm(instance=request.user),
            "avatar_form": avatar_form or AvatarForm(),
            "reviews": reviews_by(request.user),
        },
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show the account; POST changes name and address."""
    if request.method != "POST":
        return _account_page(request)
    # A second object: the page must not greet people by a name that was just refused.
    user = User.objects.get(pk=request.user.pk)
    form = ProfileForm(request.POST, instance=user)
    if form.is_valid():
        try:
            services.update_profile(
                user=user,
                display_name=form.cleaned_data["display_name"],
                email=form.cleaned_data["email"],
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Your profile is saved.")
            return redirect("accounts:account")
    return _account_page(request, profile_form=form)


@login_required
@require_POST
def avatar(request: HttpRequest) -> HttpResponse:
    """Take a picture (multipart field `picture`)."""
    form = AvatarForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            services.change_avatar(user=request.user, upload=form.cleaned_data["picture"])
        except ValidationError as error:
            form.add_error("picture", error)
        else:
            messages.success(request, "Your picture is saved.")
            return redirect("accounts:account")
    return _account_page(request, avatar_form=form)


@login_required
@require_POST
def remove_avatar(request: HttpRequest) -> HttpResponse:
    """Forget the picture."""
    services.remove_avatar(user=request.user)
    messages.info(request, "Your picture is removed.")
    return redirect("accounts:account")
