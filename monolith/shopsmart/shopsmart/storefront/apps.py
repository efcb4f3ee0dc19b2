from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    name = "shopsmart.storefront"
    verbose_name = "storefront"
