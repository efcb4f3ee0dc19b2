from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "shopsmart.accounts"
    verbose_name = "accounts"
