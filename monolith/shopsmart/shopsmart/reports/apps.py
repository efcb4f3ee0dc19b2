from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "shopsmart.reports"
    verbose_name = "reports"
