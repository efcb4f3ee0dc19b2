"""Include under `_chassis/`: `path("_chassis/", include("chassis.ownership.urls"))`."""

from django.urls import path

from chassis.ownership import views

app_name = "chassis_ownership"

urlpatterns = [
    path("rows/<str:capability>", views.rows, name="rows"),
    path("feed/<str:capability>", views.feed, name="feed"),
    path("ownership/<str:capability>", views.ownership, name="ownership"),
]
