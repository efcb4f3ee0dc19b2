from django.urls import path

from shopsmart.notifications.api import views

app_name = "notifications-api"

urlpatterns = [
    path("", views.NotificationListView.as_view(), name="notifications"),
    path("read/", views.AllReadView.as_view(), name="read-all"),
    path("<int:pk>/read/", views.NotificationReadView.as_view(), name="read"),
]
