"""Where everything is. The API comes first; the storefront takes what nobody else claims."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView

from shopsmart.accounts.throttling import limit_logins

handler404 = "shopsmart.errors.page_not_found"
handler500 = "shopsmart.errors.server_error"

urlpatterns = [
    # Before the admin's own, which does not count attempts.
    path("admin/login/", limit_logins(admin.site.login)),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/catalog/", include("shopsmart.catalog.api.urls")),
    path("api/cart/", include("shopsmart.cart.api.urls")),
    path("api/orders/", include("shopsmart.orders.api.urls")),
    path("api/inventory/", include("shopsmart.inventory.api.urls")),
    path("api/account/", include("shopsmart.accounts.api.urls")),
    path("api/notifications/", include("shopsmart.notifications.api.urls")),
    path("api/payments/", include("shopsmart.payments.api.urls")),
    path("api/reports/", include("shopsmart.reports.api.urls")),
    # For services and health checks; the proxy never lets these paths through.
    path("_chassis/", include("chassis.ops.urls")),
    path("_chassis/", include("chassis.ownership.urls")),
    path("account/", include("shopsmart.accounts.urls")),
    path("reports/", include("shopsmart.reports.urls")),
    # Uploads by Django itself: slow beside a file server, and one thing less to run for a shop of
    # this size. A CDN or nginx may take /media/ without the shop knowing.
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}, name="media"),
    path("", include("shopsmart.storefront.urls")),
]
