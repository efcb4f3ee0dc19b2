from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "shopsmart.inventory"
    verbose_name = "inventory"
