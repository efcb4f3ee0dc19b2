"""As a project that installs the chassis writes it."""

from django.urls import include, path

urlpatterns = [
    path("_chassis/", include("chassis.ops.urls")),
    path("_chassis/", include("chassis.ownership.urls")),
]
