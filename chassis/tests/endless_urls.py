"""A URLconf with an expression that tries more ways than anybody can wait for."""

from django.urls import include, path, re_path

from tests.foreign_urls import page

urlpatterns = [
    re_path(r"^(?P<path>([\w-]+/?)+)/edit/$", page),
    path("orders/<uuid:order>/", page),
    path("_chassis/", include("chassis.ops.urls")),
]
