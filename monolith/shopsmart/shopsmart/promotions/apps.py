from django.apps import AppConfig


class PromotionsConfig(AppConfig):
    name = "shopsmart.promotions"
    verbose_name = "promotions"
