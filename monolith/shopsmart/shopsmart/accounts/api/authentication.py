"""Who may call the API: people with a session (and the CSRF token), programs with an API token."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from shopsmart.accounts import services
from shopsmart.accounts.models import ApiToken, User

SCHEME = "Token"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`. One that opens nothing is a 401, whatever cookie comes with it.

    A browser sends no such header by itself, so requests with a token need no CSRF token.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != SCHEME.lower().encode():
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Write the header as `Authorization: Token …`, one token.")
        found = services.user_of_token(token=words[1].decode("latin-1"))
        if found is None:
            # One answer for the unknown, the expired and the revoked: it teaches nothing.
            raise AuthenticationFailed("This token opens nothing (any more).")
        return found

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="ShopSmart"'


class TokenScheme(OpenApiAuthenticationExtension):
    """Tells the schema how the token travels."""

    target_class = TokenAuthentication
    name = "tokenAuth"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token …`, made at `/api/account/tokens/`.",
        }
