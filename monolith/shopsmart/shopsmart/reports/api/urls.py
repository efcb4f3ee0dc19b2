from django.urls import path

from shopsmart.reports.api import views

app_name = "reports-api"

urlpatterns = [path("sales/", views.SalesView.as_view(), name="sales")]
