"""The service's one Django app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "shopsmart_catalog"
    label = "catalog"
    verbose_name = "Catalogue"
