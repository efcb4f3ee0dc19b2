from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "shopsmart.accounts"
    verbose_name = "accounts"

    def ready(self) -> None:
        from shopsmart.accounts.roles import keep_roles

        post_migrate.connect(keep_roles, dispatch_uid="shopsmart.accounts.keep_roles")
