from django.urls import path

from shopsmart.payments.api import views

app_name = "payments-api"

urlpatterns = [
    path("", views.PaymentListView.as_view(), name="payments"),
    path("<uuid:key>/", views.PaymentView.as_view(), name="payment"),
    path("<uuid:key>/confirm/", views.ConfirmView.as_view(), name="confirm"),
    path("<uuid:key>/refunds/", views.RefundListView.as_view(), name="refunds"),
]
