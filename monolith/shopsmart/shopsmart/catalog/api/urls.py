from django.urls import path

from shopsmart.catalog.api import views

app_name = "catalog-api"

urlpatterns = [
    path("brands/", views.BrandListView.as_view(), name="brands"),
    path("categories/", views.CategoryListView.as_view(), name="categories"),
    path("categories/<slug:slug>/", views.CategoryView.as_view(), name="category"),
    path("products/", views.ProductListView.as_view(), name="products"),
    path("products/<slug:slug>/", views.ProductView.as_view(), name="product"),
    path("products/<slug:slug>/prices/", views.PriceHistoryView.as_view(), name="prices"),
    path("products/<slug:slug>/reviews/", views.ReviewListView.as_view(), name="reviews"),
    path("suggest/", views.SuggestView.as_view(), name="suggest"),
]
