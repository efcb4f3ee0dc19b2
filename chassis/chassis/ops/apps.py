"""The app `chassis.ops`."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "chassis.ops"
    label = "chassis_ops"
    verbose_name = "Chassis: health"
