from rest_framework import serializers

from shopsmart.notifications.models import Notification


class NotificationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Notification
        fields = ("id", "kind", "title", "body", "url", "created_at", "read_at")


class InboxQuery(serializers.Serializer):
    unread = serializers.BooleanField(
        required=False, default=False, help_text="True: only what was not read yet."
    )


class ReadSerializer(serializers.Serializer):
    read = serializers.IntegerField(help_text="How many had not been read before.")
