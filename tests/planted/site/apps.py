"""Plants the bugs once the shop is there. All sleep until the switch wakes one."""

from importlib import import_module

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from planted.bugs import BUGS
from planted.site.plant import PLANTED

ROOMS = ("answers", "lists", "people", "writes")


class PlantedConfig(AppConfig):
    name = "planted.site"
    label = "planted"

    def ready(self) -> None:
        """Import the plants; each name of the table must have been planted."""
        for room in ROOMS:
            import_module(f"planted.site.plants.{room}")
        if BUGS.keys() != PLANTED:
            raise ImproperlyConfigured(f"planted and listed differ: {PLANTED ^ BUGS.keys()}")
