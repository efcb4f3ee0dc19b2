from django.urls import path

from shopsmart.inventory.api import views

app_name = "inventory-api"

urlpatterns = [
    path("<str:sku>/", views.AvailabilityView.as_view(), name="availability"),
    path("<str:sku>/stock/", views.StockView.as_view(), name="stock"),
    path("<str:sku>/movements/", views.MovementListView.as_view(), name="movements"),
]
