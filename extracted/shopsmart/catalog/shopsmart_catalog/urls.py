"""The shop's paths, and the internal ones that the proxy never forwards."""

from django.urls import include, path

handler404 = "shopsmart_catalog.api.errors.not_found"
handler500 = "shopsmart_catalog.api.errors.broken"

urlpatterns = [
    path("api/catalog/", include("shopsmart_catalog.api.urls")),
    path("_chassis/", include("chassis.ops.urls")),
]
