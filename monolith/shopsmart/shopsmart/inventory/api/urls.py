from django.urls import path

from shopsmart import path_converters  # noqa: F401  # registers them
from shopsmart.inventory.api import views

app_name = "inventory-api"

urlpatterns = [
    path("<sku:sku>/", views.AvailabilityView.as_view(), name="availability"),
    path("<sku:sku>/stock/", views.StockView.as_view(), name="stock"),
    path("<sku:sku>/movements/", views.MovementListView.as_view(), name="movements"),
]
