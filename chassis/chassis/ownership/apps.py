"""The app `chassis.ownership`: in the monolith it hands out rows, in a service it copies them."""

from django.apps import AppConfig
from django.core.checks import register


class OwnershipConfig(AppConfig):
    name = "chassis.ownership"
    label = "chassis_ownership"
    verbose_name = "Chassis: data ownership"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chassis.ownership import checks

        register(checks.declarations_are_sound)
        register(checks.callers_can_call, deploy=True)
