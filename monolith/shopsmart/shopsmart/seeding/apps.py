from django.apps import AppConfig


class SeedingConfig(AppConfig):
    name = "shopsmart.seeding"
    verbose_name = "seeding"
