"""What one answer says: values of the API, messages, pages, heads."""

import re
import unicodedata
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from django.views import defaults
from rest_framework.exceptions import ValidationError
from rest_framework.views import APIView

from planted.site.plant import in_head, in_template, instead_of
from shopsmart import errors
from shopsmart.catalog.api import filters, serializers
from shopsmart.catalog.selectors import ProductFilter, ProductOrder

SHOWN = "to_representation"
GERMAN = {"A valid number is required.": "Eine gültige Zahl wird benötigt."}


@instead_of(serializers.MoneySerializer, SHOWN, "amount-as-number")
def _number(original: Any, serializer: Any, money: Any) -> Any:
    shown = original(serializer, money)
    return {**shown, "amount": float(shown["amount"])}


@instead_of(serializers.PriceChangeSerializer, SHOWN, "wrong-currency")
def _currency(original: Any, serializer: Any, change: Any) -> Any:
    return {**original(serializer, change), "currency": "USD"}


@instead_of(serializers.ProductSerializer, SHOWN, "null-left-out")
def _without_null(original: Any, serializer: Any, product: Any) -> Any:
    shown = original(serializer, product)
    return {key: value for key, value in shown.items() if value is not None}


@instead_of(serializers.ProductSerializer, SHOWN, "time-in-shop-zone")
def _local(original: Any, serializer: Any, product: Any) -> Any:
    shown = original(serializer, product)
    at = parse_datetime(shown["created_at"])
    assert at is not None
    local = at.astimezone(ZoneInfo("Europe/Copenhagen"))
    return {**shown, "created_at": f"{local:%Y-%m-%dT%H:%M:%S.%fZ}"}


@instead_of(serializers.ProductSerializer, SHOWN, "name-decomposed")
def _decomposed(original: Any, serializer: Any, product: Any) -> Any:
    shown = original(serializer, product)
    return {**shown, "name": unicodedata.normalize("NFD", shown["name"])}


@instead_of(serializers.ProductDetailSerializer, SHOWN, "description-cut")
def _cut(original: Any, serializer: Any, product: Any) -> Any:
    shown = original(serializer, product)
    return {**shown, "description": shown["description"][:120]}


@instead_of(filters.ProductQuery, "read", "bad-filter-passed-over")
def _whatever(original: Any, query: Any) -> Any:
    try:
        return original(query)
    except ValidationError:
        return ProductFilter(), ProductOrder.NAME, None


@instead_of(APIView, "handle_exception", "german-messages")
def _german(original: Any, view: Any, error: Exception) -> Any:
    if isinstance(error, ValidationError) and "de" in view.request.headers["Accept-Language"]:
        error.detail = {
            field: [GERMAN.get(message, message) for message in said]
            for field, said in error.detail.items()
        }
    return original(view, error)


@instead_of(errors, "page_not_found", "not-found-is-a-page")
def _page(original: Any, request: HttpRequest, exception: Exception) -> HttpResponse:
    return defaults.page_not_found(request, exception)


@in_template("storefront/product.html", "text-escaped-twice")
def _escape_again(html: str) -> str:
    return html.replace("&amp;", "&amp;amp;")


@in_template("accounts/login.html", "form-without-next")
def _without_next(html: str) -> str:
    return re.sub(r'<input type="hidden" name="next"[^>]*>', "", html)


@in_head("vary-without-cookie")
def _vary(request: HttpRequest, response: HttpResponse) -> None:
    names = [name.strip() for name in response.headers.get("Vary", "").split(",")]
    response["Vary"] = ", ".join(name for name in names if name != "Cookie")


@in_head("may-be-framed")
def _framed(request: HttpRequest, response: HttpResponse) -> None:
    del response["X-Frame-Options"]


@in_head("redirect-to-plain-http")
def _plain(request: HttpRequest, response: HttpResponse) -> None:
    if response.headers.get("Location", "").startswith("/"):
        response["Location"] = f"http://{request.get_host()}{response['Location']}"
