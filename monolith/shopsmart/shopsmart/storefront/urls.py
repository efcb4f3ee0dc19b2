from django.urls import path

from shopsmart.storefront.views import cart, catalog

app_name = "storefront"

urlpatterns = [
    path("", catalog.home, name="home"),
    path("cart/", cart.cart, name="cart"),
    path("cart/quantity/", cart.quantity, name="cart-quantity"),
    path("cart/remove/", cart.remove, name="cart-remove"),
    path("cart/code/", cart.apply_code, name="cart-code"),
    path("cart/code/remove/", cart.drop_code, name="cart-drop-code"),
    path("category/<slug:slug>/", catalog.category, name="category"),
    path("product/<slug:slug>/", catalog.product, name="product"),
    path("product/<slug:slug>/buy/", cart.buy, name="buy"),
    path("product/<slug:slug>/reviews/", catalog.review, name="review"),
    path("search/", catalog.search, name="search"),
    path("robots.txt", catalog.robots, name="robots"),
]
