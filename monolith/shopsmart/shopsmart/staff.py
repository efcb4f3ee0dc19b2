"""The one question whether somebody may do a thing as staff."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import user_passes_test
from django.core.exceptions import PermissionDenied


def may(user: Any, permission: str) -> bool:
    """Whether a user is staff and has the permission: a role that outlives the post opens nothing."""
    # Asked in this order: shoppers are spared the two queries of their permissions.
    return bool(user.is_staff and user.has_perm(permission))


def staff_with(permission: str) -> Callable[..., Any]:
    """Have a view answer 403 to all but staff with the permission."""

    def check(user: Any) -> bool:
        if not may(user, permission):
            raise PermissionDenied
        return True

    return user_passes_test(check)
