"""The cart over HTTP, for guests too. Every answer is the whole cart as it then is."""

from typing import Any

from django.middleware.csrf import get_token
from django.utils.cache import patch_cache_control
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shopsmart.accounts.api.access import REFUSALS, refused_by_field
from shopsmart.accounts.api.authentication import TokenAuthentication
from shopsmart.cart import services
from shopsmart.cart.api.authentication import ShopperAuthentication
from shopsmart.cart.api.serializers import CartSerializer, CodeInput, LineInput, QuantityInput
from shopsmart.cart.models import Cart, CartLine
from shopsmart.cart.selectors import cart_summary
from shopsmart.catalog.api.views import BAD_REQUEST, NOT_FOUND
from shopsmart.catalog.models import Variant


class ShopperView(APIView):
    """A view of somebody's cart; no cache keeps its answers."""

    authentication_classes = (TokenAuthentication, ShopperAuthentication)
    permission_classes = (AllowAny,)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    def show(self, cart: Cart, code: int = status.HTTP_200_OK) -> Response:
        """The cart, priced."""
        shown = CartSerializer(cart_summary(cart), context={"request": self.request})
        return Response(shown.data, code)


class CartView(ShopperView):
    http_method_names = ["get", "head"]

    @extend_schema(responses={200: CartSerializer, **REFUSALS}, operation_id="getCart")
    def get(self, request: Request) -> Response:
        """What is in the cart, what it costs now and what is in the way of buying it.

        Brings the CSRF token's cookie, which guests need to change their cart.
        """
        get_token(request)
        return self.show(services.cart_of(request))


class LineListView(ShopperView):
    http_method_names = ["post"]

    @extend_schema(
        request=LineInput,
        responses={201: CartSerializer, 400: BAD_REQUEST, **REFUSALS},
        operation_id="addToCart",
    )
    def post(self, request: Request) -> Response:
        """Put so many more of a variant into the cart."""
        wanted = LineInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        cart = services.cart_of(request)
        with refused_by_field():
            services.add_to_cart(
                cart=cart,
                variant=wanted.validated_data["sku"],
                quantity=wanted.validated_data["quantity"],
            )
        return self.show(cart, status.HTTP_201_CREATED)


class LineView(ShopperView):
    http_method_names = ["patch", "delete"]

    @extend_schema(
        request=QuantityInput,
        responses={200: CartSerializer, 400: BAD_REQUEST, 404: NOT_FOUND, **REFUSALS},
        operation_id="setQuantity",
    )
    def patch(self, request: Request, sku: str) -> Response:
        """Let there be so many of a variant that is in the cart."""
        wanted = QuantityInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        cart, variant = services.cart_of(request), find_variant(sku)
        try:
            with refused_by_field():
                services.set_quantity(
                    cart=cart, variant=variant, quantity=wanted.validated_data["quantity"]
                )
        except CartLine.DoesNotExist as error:
            raise NotFound from error
        return self.show(cart)

    @extend_schema(
        responses={200: CartSerializer, 404: NOT_FOUND, **REFUSALS}, operation_id="removeFromCart"
    )
    def delete(self, request: Request, sku: str) -> Response:
        """Take a variant out of the cart; it need not be in there."""
        cart = services.cart_of(request)
        services.remove_line(cart=cart, variant=find_variant(sku))
        return self.show(cart)


class PromotionView(ShopperView):
    http_method_names = ["put", "delete"]

    @extend_schema(
        request=CodeInput,
        responses={200: CartSerializer, 400: BAD_REQUEST, **REFUSALS},
        operation_id="applyCode",
    )
    def put(self, request: Request) -> Response:
        """Try a promotion code; it is kept if it gives something."""
        wanted = CodeInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refused_by_field():
            cart = services.apply_code(
                cart=services.cart_of(request), code=wanted.validated_data["promotion_code"]
            )
        return self.show(cart)

    @extend_schema(responses={200: CartSerializer, **REFUSALS}, operation_id="dropCode")
    def delete(self, request: Request) -> Response:
        """Do without a code."""
        return self.show(services.drop_code(cart=services.cart_of(request)))


def find_variant(sku: str) -> Variant:
    """The variant with this SKU, or a 404."""
    variant = Variant.objects.select_related("product").filter(sku=sku).first()
    if variant is None:
        raise NotFound
    return variant
