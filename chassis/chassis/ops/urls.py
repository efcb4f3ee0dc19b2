"""Include under `_chassis/`: `path("_chassis/", include("chassis.ops.urls"))`."""

from django.urls import path

from chassis.ops import views

app_name = "chassis_ops"

urlpatterns = [
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
]
