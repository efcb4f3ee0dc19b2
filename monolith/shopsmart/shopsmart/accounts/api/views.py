"""One's own account over HTTP: profile, addresses, tokens. Other people's things are a 404."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from shopsmart.accounts import selectors, services
from shopsmart.accounts.api.access import REFUSALS, IsNoToken, MemberView, refused_by_field
from shopsmart.accounts.api.serializers import (
    AddressInput,
    AddressSerializer,
    NewTokenSerializer,
    ProfileInput,
    ProfileSerializer,
    TokenInput,
    TokenSerializer,
)
from shopsmart.accounts.models import Address, ApiToken, User
from shopsmart.accounts.throttling import ApiThrottle, TokenThrottle
from shopsmart.catalog.api.pagination import CatalogPagination
from shopsmart.catalog.api.views import BAD_REQUEST, NOT_FOUND


class ProfileView(MemberView):
    http_method_names = ["get", "head", "patch"]

    def get_permissions(self) -> list[object]:
        # Who may change the e-mail address can come to own the account.
        return [IsAuthenticated()] + ([IsNoToken()] if self.request.method == "PATCH" else [])

    @extend_schema(responses={200: ProfileSerializer, **REFUSALS}, operation_id="getProfile")
    def get(self, request: Request) -> Response:
        """Who one is."""
        return Response(ProfileSerializer(request.user).data)

    @extend_schema(
        request=ProfileInput,
        responses={200: ProfileSerializer, 400: BAD_REQUEST, **REFUSALS},
        operation_id="changeProfile",
    )
    def patch(self, request: Request) -> Response:
        """Change how one is shown and reached; with a session, not with a token."""
        user = User.objects.get(pk=request.user.pk)
        wanted = ProfileInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = {"display_name": user.display_name, "email": user.email, **wanted.validated_data}
        with refused_by_field():
            services.update_profile(user=user, **fields)
        return Response(ProfileSerializer(user).data)


class AddressListView(MemberView, generics.ListAPIView):
    serializer_class = AddressSerializer
    pagination_class = None  # a book holds services.MAX_ADDRESSES at most
    queryset = Address.objects.none()
    http_method_names = ["get", "head", "post"]

    def get_queryset(self) -> QuerySet[Address]:
        return selectors.list_addresses(user=self.request.user)

    @extend_schema(
        responses={200: AddressSerializer(many=True), **REFUSALS}, operation_id="listAddresses"
    )
    def get(self, request: Request) -> Response:
        """All of one's addresses, the default first."""
        return self.list(request)

    @extend_schema(
        request=AddressInput,
        responses={201: AddressSerializer, 400: BAD_REQUEST, **REFUSALS},
        operation_id="addAddress",
    )
    def post(self, request: Request) -> Response:
        """Put an address into the book; the first one is the default."""
        wanted = AddressInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        is_default = fields.pop("is_default", False)
        with refused_by_field():
            address = services.add_address(user=request.user, make_default=is_default, **fields)
        return Response(AddressSerializer(address).data, status.HTTP_201_CREATED)


class AddressView(MemberView):
    http_method_names = ["get", "head", "patch", "delete"]

    @extend_schema(
        responses={200: AddressSerializer, 404: NOT_FOUND, **REFUSALS}, operation_id="getAddress"
    )
    def get(self, request: Request, pk: int) -> Response:
        """One address."""
        return Response(AddressSerializer(self._find(request, pk)).data)

    @extend_schema(
        request=AddressInput(partial=True),
        responses={200: AddressSerializer, 400: BAD_REQUEST, 404: NOT_FOUND, **REFUSALS},
        operation_id="changeAddress",
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change an address, or make it the default. Orders keep what they were placed with."""
        address = self._find(request, pk)
        wanted = AddressInput(address, data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        is_default = fields.pop("is_default", False)
        with refused_by_field():
            services.change_address(address=address, make_default=is_default, **fields)
        return Response(AddressSerializer(address).data)

    @extend_schema(
        responses={204: OpenApiResponse(description="Gone."), 404: NOT_FOUND, **REFUSALS},
        operation_id="deleteAddress",
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Forget an address."""
        services.delete_address(address=self._find(request, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _find(self, request: Request, pk: int) -> Address:
        try:
            return selectors.get_address(user=request.user, pk=pk)
        except Address.DoesNotExist as error:
            raise NotFound from error


class TokenListView(MemberView, generics.ListAPIView):
    serializer_class = TokenSerializer
    pagination_class = CatalogPagination
    queryset = ApiToken.objects.none()
    http_method_names = ["get", "head", "post"]

    def get_queryset(self) -> QuerySet[ApiToken]:
        return selectors.list_tokens(user=self.request.user)

    def get_permissions(self) -> list[object]:
        return [IsAuthenticated()] + ([IsNoToken()] if self.request.method == "POST" else [])

    def get_throttles(self) -> list[object]:
        return [ApiThrottle()] + ([TokenThrottle()] if self.request.method == "POST" else [])

    @extend_schema(
        responses={200: TokenSerializer(many=True), 400: BAD_REQUEST, 404: NOT_FOUND, **REFUSALS},
        operation_id="listTokens",
    )
    def get(self, request: Request) -> Response:
        """One's API tokens, the newest first, without what opens the API."""
        return self.list(request)

    @extend_schema(
        request=TokenInput,
        responses={201: NewTokenSerializer, 400: BAD_REQUEST, **REFUSALS},
        operation_id="addToken",
    )
    def post(self, request: Request) -> Response:
        """Make a token; with a session, not with another token."""
        wanted = TokenInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refused_by_field():
            made, token = services.create_token(user=request.user, **wanted.validated_data)
        shown = NewTokenSerializer(made, context={"token": token})
        return Response(shown.data, status.HTTP_201_CREATED)


class TokenView(MemberView):
    http_method_names = ["delete"]

    @extend_schema(
        responses={
            204: OpenApiResponse(description="It opens nothing any more; it stays in the list."),
            404: NOT_FOUND,
            **REFUSALS,
        },
        operation_id="revokeToken",
    )
    def delete(self, request: Request, pk: int) -> Response:
        """End a token at once."""
        try:
            token = selectors.get_token(user=request.user, pk=pk)
        except ApiToken.DoesNotExist as error:
            raise NotFound from error
        services.revoke_token(token=token)
        return Response(status=status.HTTP_204_NO_CONTENT)
