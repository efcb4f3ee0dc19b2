"""What templates need and Django has not: prices as people write them, and the shared pieces."""

from decimal import Decimal
from typing import Any

from django import template
from django.core.paginator import Page
from django.template import Context
from django.urls import reverse

from shopsmart.cart.selectors import quantity_in
from shopsmart.cart.services import cart_of
from shopsmart.catalog.models import Product
from shopsmart.catalog.money import Money, written
from shopsmart.catalog.selectors import CategoryTree, cheapest_variant
from shopsmart.orders.models import Order
from shopsmart.orders.states import OrderState
from shopsmart.storefront.orders_shown import WORDS

register = template.Library()

TINTS = 6  # as many as shop.css has


money = register.filter("money", written)


@register.filter
def in_currency(amount: Decimal, currency: str) -> str:
    """An amount of a row that keeps its currency beside it, as `money` writes it."""
    return written(Money(amount, currency))


@register.filter
def numbers(page: Page[Any]) -> list[int | str]:
    """First, last and nearby pages, with an ellipsis for each gap."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))


@register.filter
def tint(product: Product) -> str:
    """The class that colours a product without a picture, the same wherever it is shown."""
    return f"tint-{product.pk % TINTS}"


@register.inclusion_tag("storefront/_stars.html")
def stars(rating: Decimal | int) -> dict[str, Any]:
    """Five stars, filled up to the rating; read out as one number."""
    shown = Decimal(rating).quantize(Decimal("0.1"))
    return {"rating": int(shown) if shown == int(shown) else shown, "width": round(shown * 20)}


@register.inclusion_tag("storefront/_card.html")
def card(product: Product) -> dict[str, Any]:
    """A product in a list; asks nothing of the database after `list_products`."""
    return {
        "product": product,
        "image": next(iter(product.images.all()), None),
        "cheapest": cheapest_variant(product),
        "has_choice": len(product.variants.all()) > 1,
    }


@register.inclusion_tag("storefront/_state.html")
def order_state(order: Order) -> dict[str, str]:
    """Where an order stands, in a shopper's words."""
    word, tone = WORDS[OrderState(order.state)]
    return {"word": word, "tone": tone}


@register.inclusion_tag("storefront/_shelves.html", takes_context=True)
def shelves(context: Context) -> dict[str, Any]:
    """The top categories, the one marked in which the page stands (`node`)."""
    tree = context.get("tree") or CategoryTree()
    node = context.get("node")
    return {
        "shelves": [place.category for place in tree.nodes if place.depth == 0],
        "current": node.path[0] if node else None,
    }


@register.inclusion_tag("storefront/_basket.html", takes_context=True)
def basket(context: Context) -> dict[str, Any]:
    """The way to the cart, with how many things are in it; asks nothing for a guest who has none."""
    request = context["request"]
    # A request that was refused before anybody asked who it is has no user.
    is_known = hasattr(request, "user")
    cart = getattr(request, "cart", None) or (cart_of(request) if is_known else None)
    return {
        "count": quantity_in(cart) if cart else 0,
        "is_here": request.path == reverse("storefront:cart"),
    }
