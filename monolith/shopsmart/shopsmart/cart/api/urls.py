from django.urls import URLPattern

app_name = "cart-api"

urlpatterns: list[URLPattern] = []
