from django.apps import AppConfig


class CartConfig(AppConfig):
    name = "shopsmart.cart"
    verbose_name = "carts"

    def ready(self) -> None:
        from shopsmart.cart import signals  # noqa: F401 - receivers connect on import
