"""The sales report over HTTP, for the accounts department."""

from django.views import View
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from shopsmart.accounts.api.access import REFUSALS, MemberView, refused_by_field
from shopsmart.catalog.api.views import BAD_REQUEST
from shopsmart.reports.api.serializers import SalesQuery, SalesReportSerializer
from shopsmart.reports.sales import sales_report
from shopsmart.staff import may


class SeesSales(BasePermission):
    """Lets those in whose role says so."""

    def has_permission(self, request: Request, view: View) -> bool:
        return may(request.user, "reports.view_salesreport")


class SalesView(MemberView):
    permission_classes = (IsAuthenticated, SeesSales)
    http_method_names = ["get", "head"]

    @extend_schema(
        parameters=[SalesQuery],
        responses={200: SalesReportSerializer, 400: BAD_REQUEST, **REFUSALS},
        operation_id="getSalesReport",
    )
    def get(self, request: Request) -> Response:
        """What was sold in a period, net of refunds, by day, category, brand, country or promotion."""
        with refused_by_field():
            wanted = SalesQuery(data=request.query_params).read()
        return Response(SalesReportSerializer(sales_report(**wanted)).data)
