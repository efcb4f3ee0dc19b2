from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from shopsmart.accounts.models import Address, ApiToken, User
from shopsmart.accounts.services import revoke_token


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    # The picture is set by its owner, through the service that cuts it and drops its metadata.
    readonly_fields = ("avatar",)
    list_display = ("username", "email", "display_name", "is_staff", "date_joined")
    search_fields = ("username", "email", "display_name")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("display_name", "email", "avatar")}),
        (
            "Rights",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "email",
                    "display_name",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )


@admin.register(Address)
class AddressAdmin(admin.ModelAdmin):
    """Addresses are looked up here; their owners change them, and orders keep their own copy."""

    list_display = ("user", "name", "line1", "postcode", "city", "country", "is_default")
    list_filter = ("country", "is_default")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "name", "postcode", "city")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Tokens are ended here. Only their owners make them, and nobody can read one."""

    list_display = ("user", "name", "prefix", "created_at", "last_used_at", "expires_at", "state")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "name", "prefix")
    date_hierarchy = "created_at"
    fields = (
        "user",
        "name",
        "prefix",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    readonly_fields = fields
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="opens the API", boolean=True)
    def state(self, token: ApiToken) -> bool:
        return token.is_usable

    @admin.action(description="End the selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        for token in tokens:
            revoke_token(token=token)
        messages.success(request, f"{len(tokens)} tokens open nothing any more.")
