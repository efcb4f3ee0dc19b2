from django.urls import path

from shopsmart.storefront.views import catalog

app_name = "storefront"

urlpatterns = [
    path("", catalog.home, name="home"),
    path("category/<slug:slug>/", catalog.category, name="category"),
    path("product/<slug:slug>/", catalog.product, name="product"),
    path("product/<slug:slug>/reviews/", catalog.review, name="review"),
    path("search/", catalog.search, name="search"),
    path("robots.txt", catalog.robots, name="robots"),
]
