"""What the API's views about somebody's own things have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.cache import patch_cache_control
from drf_spectacular.utils import OpenApiResponse
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shopsmart.accounts.models import ApiToken
from shopsmart.catalog.api.serializers import ErrorSerializer
from shopsmart.catalog.api.views import errors_by_field

UNAUTHENTICATED = OpenApiResponse(ErrorSerializer, "No session, and no token that opens anything.")
FORBIDDEN = OpenApiResponse(ErrorSerializer, "Not for you, or without the CSRF token.")
TOO_MANY = OpenApiResponse(ErrorSerializer, "Too often; `Retry-After` says how many seconds.")
REFUSALS = {401: UNAUTHENTICATED, 403: FORBIDDEN, 429: TOO_MANY}


class MemberView(APIView):
    """A view for people who are logged in and programs with a token; no cache keeps its answers."""

    permission_classes = (IsAuthenticated,)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response


class IsNoToken(BasePermission):
    """Asks for a person: what hands out the keys must not be opened by one of them."""

    message = "An API token does not open this. Log in with a browser."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return not isinstance(request.auth, ApiToken)


@contextmanager
def refused_by_field() -> Iterator[None]:
    """Turn what models and services refuse into a 400 by field."""
    try:
        yield
    except DjangoValidationError as error:
        raise ValidationError(errors_by_field(error)) from error
