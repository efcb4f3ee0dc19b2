"""One's inbox over HTTP. Other people's notifications are a 404."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from shopsmart.accounts.api.access import REFUSALS, MemberView
from shopsmart.catalog.api.pagination import CatalogPagination
from shopsmart.catalog.api.views import BAD_REQUEST, NOT_FOUND
from shopsmart.notifications import selectors, services
from shopsmart.notifications.api.serializers import (
    InboxQuery,
    NotificationSerializer,
    ReadSerializer,
)
from shopsmart.notifications.models import Notification


class NotificationListView(MemberView, generics.ListAPIView):
    serializer_class = NotificationSerializer
    pagination_class = CatalogPagination
    queryset = Notification.objects.none()
    http_method_names = ["get", "head"]

    def get_queryset(self) -> QuerySet[Notification]:
        query = InboxQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        unread_only = query.validated_data["unread"]
        return selectors.list_notifications(user=self.request.user, unread_only=unread_only)

    @extend_schema(
        parameters=[InboxQuery],
        responses={
            200: NotificationSerializer(many=True),
            400: BAD_REQUEST,
            404: NOT_FOUND,
            **REFUSALS,
        },
        operation_id="listNotifications",
    )
    def get(self, request: Request) -> Response:
        """One's inbox, the newest first."""
        return self.list(request)


class NotificationReadView(MemberView):
    http_method_names = ["post"]

    @extend_schema(
        request=None,
        responses={200: NotificationSerializer, 404: NOT_FOUND, **REFUSALS},
        operation_id="readNotification",
    )
    def post(self, request: Request, pk: int) -> Response:
        """Note that a notification was read."""
        try:
            notification = selectors.get_notification(user=request.user, pk=pk)
        except Notification.DoesNotExist as error:
            raise NotFound from error
        services.mark_read(notification=notification)
        return Response(NotificationSerializer(notification).data)


class AllReadView(MemberView):
    http_method_names = ["post"]

    @extend_schema(
        request=None,
        responses={200: ReadSerializer, **REFUSALS},
        operation_id="readAllNotifications",
    )
    def post(self, request: Request) -> Response:
        """Note that everything was read."""
        return Response({"read": services.mark_all_read(user=request.user)})
