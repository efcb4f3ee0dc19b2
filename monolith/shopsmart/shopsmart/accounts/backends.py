"""Lets people log in by user name or by e-mail address, in the storefront and the admin alike."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from shopsmart.accounts.models import User


class NameOrEmailBackend(ModelBackend):
    """ModelBackend that also knows people by their e-mail address."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Translate an address into the user name; names hold no `@`, so neither hides the other.

        An unknown address goes on unchanged: the parent then spends the time of one password
        hash, so that the clock tells nobody which addresses have accounts.
        """
        if username and "@" in username:
            address = User.objects.normalize_email(username)
            known = User.objects.filter(email=address).values_list("username", flat=True).first()
            username = known or username
        return super().authenticate(request, username=username, password=password, **kwargs)
