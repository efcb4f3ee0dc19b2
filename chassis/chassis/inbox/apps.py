"""The app `chassis.inbox`, for services."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "chassis.inbox"
    label = "chassis_inbox"
    verbose_name = "Chassis: inbox"
    default_auto_field = "django.db.models.BigAutoField"
