from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "shopsmart.notifications"
    verbose_name = "notifications"
