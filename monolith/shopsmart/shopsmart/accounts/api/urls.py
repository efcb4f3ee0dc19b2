from django.urls import path

from shopsmart.accounts.api import views

app_name = "accounts-api"

urlpatterns = [
    path("", views.ProfileView.as_view(), name="profile"),
    path("addresses/", views.AddressListView.as_view(), name="addresses"),
    path("addresses/<int:pk>/", views.AddressView.as_view(), name="address"),
    path("tokens/", views.TokenListView.as_view(), name="tokens"),
    path("tokens/<int:pk>/", views.TokenView.as_view(), name="token"),
]
