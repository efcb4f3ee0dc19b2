from django.urls import URLPattern

app_name = "payments-api"

urlpatterns: list[URLPattern] = []
