"""A URLconf whose first pattern takes everything, and whose second can't be read."""

from django.urls import re_path

from tests.foreign_urls import page

urlpatterns = [re_path(r"^(?P<everything>.*)$", page), re_path(r"^broken/(unclosed$", page)]
