from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from shopsmart.accounts.models import User


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
