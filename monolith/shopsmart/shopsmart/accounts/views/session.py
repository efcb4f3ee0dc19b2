"""Pages at which a session begins and ends: log in, log out, register.

A `next` address is followed only to this very host (Django's RedirectURLMixin); anything else
leads to the default page.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from shopsmart.accounts import services
from shopsmart.accounts.forms import LoginForm, RegistrationForm

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
