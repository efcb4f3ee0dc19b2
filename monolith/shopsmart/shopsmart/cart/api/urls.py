from django.urls import path

from shopsmart import path_converters  # noqa: F401  # registers them
from shopsmart.cart.api import views

app_name = "cart-api"

urlpatterns = [
    path("", views.CartView.as_view(), name="cart"),
    path("lines/", views.LineListView.as_view(), name="lines"),
    path("lines/<sku:sku>/", views.LineView.as_view(), name="line"),
    path("promotion/", views.PromotionView.as_view(), name="promotion"),
]
