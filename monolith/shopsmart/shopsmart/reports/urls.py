from django.urls import path

from shopsmart.reports import views

app_name = "reports"

urlpatterns = [
    path("sales/", views.sales, name="sales"),
    path("sales.csv", views.sales_file, name="sales-csv"),
]
