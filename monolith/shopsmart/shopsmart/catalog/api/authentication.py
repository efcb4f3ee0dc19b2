"""Who is asked who they are: those who write, and nobody else."""

from drf_spectacular.authentication import SessionScheme
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from shopsmart.accounts.models import User


class WriterAuthentication(SessionAuthentication):
    """Session and CSRF token for unsafe methods; safe ones don't even look at the cookie."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        if request.method in SAFE_METHODS:
            return None
        return super().authenticate(request)


class WriterScheme(SessionScheme):
    """Tells the schema that this is a session cookie like any other, which only writers need."""

    target_class = WriterAuthentication
    name = "writerCookieAuth"
