from django.urls import path

from shopsmart_catalog.api import views

urlpatterns = [
    path("brands/", views.Brands.as_view()),
    path("categories/", views.Categories.as_view()),
    path("categories/<slug:slug>/", views.CategoryDetail.as_view()),
    path("products/", views.Products.as_view()),
    path("products/<slug:slug>/", views.ProductDetail.as_view()),
    path("products/<slug:slug>/prices/", views.Prices.as_view()),
    path("products/<slug:slug>/reviews/", views.Reviews.as_view()),
    path("suggest/", views.Suggest.as_view()),
]
