"""A URLconf that names what is not there."""

from django.urls import path

urlpatterns = [path("a/", page)]  # type: ignore[name-defined]  # noqa: F821
