"""Pages about oneself: log in, log out, register, profile, picture, password.

A `next` address is followed only to this very host (Django's RedirectURLMixin); anything else
leads to the default page.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django.views.generic import FormView

from shopsmart.accounts import services
from shopsmart.accounts.forms import AvatarForm, LoginForm, ProfileForm, RegistrationForm
from shopsmart.accounts.models import User
from shopsmart.accounts.selectors import reviews_by

NAME_BACKEND = "shopsmart.accounts.backends.NameOrEmailBackend"


class LoginView(auth_views.LoginView):
    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True
    next_page = reverse_lazy("storefront:home")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, f"Welcome back, {form.get_user()}.")
        return super().form_valid(form)


class LogoutView(auth_views.LogoutView):
    """Logs out on POST only: a link or an image on another site must not log anybody out."""

    next_page = reverse_lazy("storefront:home")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        messages.info(request, "You are logged out.")
        return response


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class RegisterView(auth_views.RedirectURLMixin, FormView):
    """Make an account and log into it."""

    template_name = "accounts/register.html"
    form_class = RegistrationForm
    next_page = reverse_lazy("storefront:home")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        asked = form.cleaned_data
        try:
            user = services.register_user(
                username=asked["username"],
                email=asked["email"],
                password=asked["password"],
                display_name=asked["display_name"],
            )
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)
        login(self.request, user, backend=NAME_BACKEND)
        messages.success(self.request, f"Welcome to ShopSmart, {user}.")
        return redirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs, **{self.redirect_field_name: self.get_redirect_url()}
        )


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
