"""The app `chassis.ownership`: in the monolith it hands out rows and changes, in a service it copies them."""

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate, pre_migrate


class OwnershipConfig(AppConfig):
    name = "chassis.ownership"
    label = "chassis_ownership"
    verbose_name = "Chassis: data ownership"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chassis.ops.health import register_checks
        from chassis.ownership import checks
        from chassis.ownership.capture import migrating
        from chassis.ownership.capture.status import readiness_checks

        pre_migrate.connect(migrating.before_migrate, sender=self)
        post_migrate.connect(migrating.after_migrate, sender=self)
        register_checks(readiness_checks)
        register(checks.declarations_are_sound)
        register(checks.changes_can_be_captured)
        register(checks.callers_can_call, deploy=True)
