from django.urls import URLPattern

app_name = "inventory-api"

urlpatterns: list[URLPattern] = []
