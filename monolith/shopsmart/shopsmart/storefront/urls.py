from django.urls import path

from shopsmart.storefront import views

app_name = "storefront"

urlpatterns = [
    path("", views.home, name="home"),
    path("category/<slug:slug>/", views.category, name="category"),
    path("product/<slug:slug>/", views.product, name="product"),
    path("product/<slug:slug>/reviews/", views.review, name="review"),
    path("search/", views.search, name="search"),
    path("robots.txt", views.robots, name="robots"),
]
