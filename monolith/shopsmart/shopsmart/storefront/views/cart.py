"""The cart: what goes in from a product's page, and what can be done to it afterwards."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shopsmart.accounts.throttling import ApiThrottle, limit_posts
from shopsmart.cart import services
from shopsmart.cart.models import CartLine
from shopsmart.cart.pricing import Problem, ProblemKind, SummaryLine
from shopsmart.cart.selectors import cart_summary
from shopsmart.catalog.models import Variant
from shopsmart.storefront.forms.buying import BuyForm, CodeForm, LineForm, QuantityForm
from shopsmart.storefront.origin import from_this_shop
from shopsmart.storefront.views.catalog import find_product, product_page


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of the cart with what is wrong with it and the form that mends it."""

    line: SummaryLine
    problem: Problem | None
    form: QuantityForm


@never_cache
@require_safe
def cart(request: HttpRequest) -> HttpResponse:
    """What is in the cart, what it costs, and what is in the way of buying it."""
    return _cart_page(request)


@from_this_shop
@require_POST
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a variant of a product (fields `sku`, `quantity`) into the cart of whoever asks."""
    product = find_product(slug)
    form = BuyForm(request.POST, variants=product.variants.all())
    if form.is_valid():
        variant, quantity = form.cleaned_data["sku"], form.cleaned_data["quantity"]
        try:
            services.add_to_cart(cart=services.cart_of(request), variant=variant, quantity=quantity)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{quantity} × {variant} in your cart.", extra_tags="cart")
            return redirect(reverse("storefront:product", args=[slug]))
    return product_page(request, product, buy_form=form)


@never_cache
@require_POST
def quantity(request: HttpRequest) -> HttpResponse:
    """Let there be so many (field `quantity`) of a variant (field `sku`) in the cart."""
    form = QuantityForm(request.POST)
    if form.is_valid():
        try:
            services.set_quantity(
                cart=services.cart_of(request),
                variant=Variant.objects.get(sku=form.cleaned_data["sku"]),
                quantity=form.cleaned_data["quantity"],
            )
        except (Variant.DoesNotExist, CartLine.DoesNotExist):
            messages.error(request, "That is no longer in your cart.")
            return redirect("storefront:cart")
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Your cart is up to date.")
            return redirect("storefront:cart")
    return _cart_page(request, refused={request.POST.get("sku", ""): form})


@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Take a variant (field `sku`) out of the cart."""
    form = LineForm(request.POST)
    variants = Variant.objects.select_related("product")
    if form.is_valid() and (variant := variants.filter(**form.cleaned_data).first()):
        services.remove_line(cart=services.cart_of(request), variant=variant)
        messages.info(request, f"{variant} is out of your cart.")
    return redirect("storefront:cart")


@limit_posts(ApiThrottle)
@never_cache
@require_POST
def apply_code(request: HttpRequest) -> HttpResponse:
    """Take a promotion code (field `promotion_code`)."""
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            cart = services.apply_code(
                cart=services.cart_of(request), code=form.cleaned_data["promotion_code"]
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"The code {cart.promotion_code} is in use.")
            return redirect("storefront:cart")
    return _cart_page(request, code_form=form)


@require_POST
def drop_code(request: HttpRequest) -> HttpResponse:
    """Do without the code."""
    services.drop_code(cart=services.cart_of(request))
    messages.info(request, "The code is gone from your cart.")
    return redirect("storefront:cart")


def _cart_page(
    request: HttpRequest,
    *,
    refused: dict[str, QuantityForm] | None = None,
    code_form: CodeForm | None = None,
) -> HttpResponse:
    summary = cart_summary(services.cart_of(request))
    problems = {problem.sku: problem for problem in summary.problems if problem.sku}
    lines = [
        ShownLine(
            line,
            problems.get(line.variant.sku),
            (refused or {}).get(line.variant.sku)
            or QuantityForm(
                initial={"sku": line.variant.sku, "quantity": line.quantity},
                auto_id=f"id_%s_{line.variant.sku}",
            ),
        )
        for line in summary.lines
    ]
    wrong_code = next((p for p in summary.problems if p.kind == ProblemKind.CODE), None)
    return render(
        request,
        "storefront/cart.html",
        {
            "summary": summary,
            "lines": lines,
            "code_form": code_form or CodeForm(),
            "wrong_code": wrong_code,
            "has_errors": bool(refused or (code_form and code_form.errors)),
        },
    )
