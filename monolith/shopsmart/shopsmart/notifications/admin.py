"""What people were told. Nobody writes here; a mail that was given up can be sent again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from shopsmart.notifications.models import Mail, Notification
from shopsmart.notifications.services import send_again


class _LookedAt(admin.ModelAdmin):
    """Nothing is added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Notification)
class NotificationAdmin(_LookedAt):
    list_display = ("created_at", "user", "kind", "title", "read_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "title")
    date_hierarchy = "created_at"
    list_per_page = 50


@admin.register(Mail)
class MailAdmin(_LookedAt):
    list_display = ("created_at", "to", "subject", "state", "attempts", "sent_at", "last_error")
    list_filter = ("state",)
    search_fields = ("to", "subject")
    date_hierarchy = "created_at"
    list_per_page = 50
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("notifications.change_mail"))

    @admin.action(description="Send again what was given up", permissions=["send"])
    def send_again(self, request: HttpRequest, mails: QuerySet[Mail]) -> None:
        given_up = mails.filter(state=Mail.State.FAILED)
        number = len([send_again(mail=mail) for mail in given_up])
        messages.success(request, f"{number} mails wait to be sent again.")
