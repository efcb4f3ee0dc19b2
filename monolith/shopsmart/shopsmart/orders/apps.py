from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "shopsmart.orders"
    verbose_name = "orders"
