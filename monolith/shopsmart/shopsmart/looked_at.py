"""Rows that staff look at in the admin and that only services write."""

from typing import Any

from django.http import HttpRequest


class LookedAt:
    """Nothing is added, changed or deleted; mix it in before an admin class."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
