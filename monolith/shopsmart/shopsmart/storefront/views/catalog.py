"""The pages that show what is sold. They ask selectors, call services, and render; nothing is decided here."""

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from shopsmart.catalog import selectors as catalog
from shopsmart.catalog.models import Product
from shopsmart.catalog.services import add_review
from shopsmart.paging import page_of
from shopsmart.storefront import selectors
from shopsmart.storefront.forms.browsing import QueryForm
from shopsmart.storefront.forms.buying import BuyForm
from shopsmart.storefront.forms.review import ReviewForm
from shopsmart.storefront.listing import read_listing

NEW_ON_HOME = 8
TOP_ON_HOME = 4
REVIEWS_ON_PAGE = 10
PRICE_CHANGES_SHOWN = 10


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front: shelves, what is new, what people like best."""
    return render(
        request,
        "storefront/home.html",
        {
            "tree": catalog.CategoryTree(),
            "newest": selectors.showcase(order=catalog.ProductOrder.NEWEST, limit=NEW_ON_HOME),
            "top_rated": selectors.showcase(order=catalog.ProductOrder.RATING, limit=TOP_ON_HOME),
        },
    )


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """A shelf with everything below it."""
    tree = catalog.CategoryTree()
    node = tree.find(slug)
    if node is None:
        raise Http404("There is no such category.")
    listing = read_listing(request.GET, tree=tree, node=node)
    below = [tree.at(child) for child in node.children]
    return render(
        request,
        "storefront/category.html",
        {"tree": tree, "node": node, "below": below, "listing": listing},
    )


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What has every word of `q`; everything, where nothing is asked."""
    tree = catalog.CategoryTree()
    form = QueryForm(request.GET)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    listing = read_listing(request.GET, tree=tree, q=query)
    return render(
        request,
        "storefront/search.html",
        {"tree": tree, "query_form": form, "query": query, "listing": listing},
    )


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything about a product."""
    return product_page(request, find_product(slug))


@require_POST
def review(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a review (fields `rating`, `title`, `body`) from who is logged in."""
    reviewed = find_product(slug)
    page = reverse("storefront:product", args=[slug])
    if not request.user.is_authenticated:
        return redirect_to_login(f"{page}#reviews")
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            add_review(product=reviewed, author=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Thank you. Your review is published.")
            return redirect(f"{page}#reviews")
    return product_page(request, reviewed, review_form=form)


@cache_control(max_age=86_400, public=True)
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers may walk."""
    return render(request, "storefront/robots.txt", content_type="text/plain; charset=utf-8")


def find_product(slug: str) -> Product:
    """A product that is sold; raises Http404."""
    try:
        return catalog.get_product(slug=slug)
    except Product.DoesNotExist as error:
        raise Http404("There is no such product.") from error


def product_page(
    request: HttpRequest,
    shown: Product,
    *,
    review_form: ReviewForm | None = None,
    buy_form: BuyForm | None = None,
) -> HttpResponse:
    """The page of a product, with a form that was refused."""
    tree = catalog.CategoryTree()
    user = request.user
    offers = selectors.offers(shown)
    own = selectors.own_review(shown, user) if user.is_authenticated else None
    return render(
        request,
        "storefront/product.html",
        {
            "tree": tree,
            "node": tree.at(shown.category),
            "product": shown,
            "cheapest": catalog.cheapest_variant(shown),
            "offers": offers,
            "can_buy": any(not offer.is_sold_out for offer in offers),
            "buy_form": buy_form or BuyForm(variants=shown.variants.all()),
            "price_changes": catalog.list_price_changes(product=shown)[:PRICE_CHANGES_SHOWN],
            "reviews": page_of(
                catalog.list_reviews(product=shown),
                request.GET,
                size=REVIEWS_ON_PAGE,
                parameter="reviews",
            ),
            "shares": selectors.rating_shares(shown),
            "own_review": own,
            "review_form": None if own else review_form or ReviewForm(),
            "related": selectors.related_products(shown),
        },
    )
