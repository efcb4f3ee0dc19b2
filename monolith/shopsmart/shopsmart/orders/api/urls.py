from django.urls import path

from shopsmart.orders.api import desk, views

app_name = "orders-api"

urlpatterns = [
    path("", views.OrderListView.as_view(), name="orders"),
    path("<slug:number>/", views.OrderView.as_view(), name="order"),
    path("<slug:number>/cancel/", views.CancelView.as_view(), name="cancel"),
    path("<slug:number>/returns/", views.ReturnListView.as_view(), name="returns"),
    path("<slug:number>/returns/<int:pk>/receive/", desk.ReceiveView.as_view(), name="receive"),
    path("<slug:number>/returns/<int:pk>/refuse/", desk.RefuseView.as_view(), name="refuse"),
    path("<slug:number>/ship/", desk.ShipView.as_view(), name="ship"),
    path("<slug:number>/deliver/", desk.DeliverView.as_view(), name="deliver"),
]
