from django.urls import path

from shopsmart import path_converters  # noqa: F401  # registers them
from shopsmart.storefront.views import cart, catalog, checkout, desk, orders

app_name = "storefront"

urlpatterns = [
    path("", catalog.home, name="home"),
    path("cart/", cart.cart, name="cart"),
    path("cart/quantity/", cart.quantity, name="cart-quantity"),
    path("cart/remove/", cart.remove, name="cart-remove"),
    path("cart/code/", cart.apply_code, name="cart-code"),
    path("cart/code/remove/", cart.drop_code, name="cart-drop-code"),
    path("category/<slug:slug>/", catalog.category, name="category"),
    path("checkout/", checkout.checkout, name="checkout"),
    path("desk/", desk.desk, name="desk"),
    path("desk/returns/<int:pk>/receive/", desk.receive, name="receive"),
    path("desk/returns/<int:pk>/refuse/", desk.refuse, name="refuse"),
    path("desk/<number:number>/", desk.desk_order, name="desk-order"),
    path("desk/<number:number>/deliver/", desk.deliver, name="deliver"),
    path("desk/<number:number>/ship/", desk.ship, name="ship"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<number:number>/", orders.order, name="order"),
    path("orders/<number:number>/cancel/", orders.cancel, name="cancel"),
    path("orders/<number:number>/payment/", checkout.payment, name="payment"),
    path("orders/<number:number>/return/", orders.send_back, name="send-back"),
    path("product/<slug:slug>/", catalog.product, name="product"),
    path("product/<slug:slug>/buy/", cart.buy, name="buy"),
    path("product/<slug:slug>/reviews/", catalog.review, name="review"),
    path("search/", catalog.search, name="search"),
    path("robots.txt", catalog.robots, name="robots"),
]
