from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "shopsmart.payments"
    verbose_name = "payments"
