from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "shopsmart.catalog"
    verbose_name = "catalogue"

    def ready(self) -> None:
        from shopsmart.catalog import signals  # noqa: F401 - receivers connect on import
