"""What was received, and how new the rows are that came with it.

`consumer` is a name of the consumer's choice. One that begins again from nothing takes a new name: what it knew under
the old one means nothing any more, and ages out.

The label is written out so that a project which forgot the app in INSTALLED_APPS is told so by a check, and not by a
failing import.
"""

import datetime as dt

from django.db import models


class Received(models.Model):
    """A message that has had its effect."""

    consumer: "models.CharField[str, str]" = models.CharField(max_length=160)
    message_id: "models.TextField[str, str]" = models.TextField()
    at: "models.DateTimeField[dt.datetime, dt.datetime]" = models.DateTimeField()

    class Meta:
        app_label = "chassis_inbox"
        constraints = [
            models.UniqueConstraint(fields=["consumer", "message_id"], name="chassis_received_once")
        ]
        indexes = [models.Index(fields=["at"], name="chassis_received_at")]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.message_id}"


class RowVersion(models.Model):
    """Where in the order of readings a row was last read. A deleted row's is its tombstone."""

    consumer: "models.CharField[str, str]" = models.CharField(max_length=160)
    table: "models.CharField[str, str]" = models.CharField(max_length=200)
    key: "models.TextField[str, str]" = models.TextField()
    position: "models.BigIntegerField[int, int]" = models.BigIntegerField()
    deleted: "models.BooleanField[bool, bool]" = models.BooleanField()
    at: "models.DateTimeField[dt.datetime, dt.datetime]" = models.DateTimeField()

    class Meta:
        app_label = "chassis_inbox"
        constraints = [
            models.UniqueConstraint(
                fields=["consumer", "table", "key"], name="chassis_one_version_per_row"
            )
        ]
        indexes = [models.Index(fields=["at"], name="chassis_row_version_at")]

    def __str__(self) -> str:
        return f"{self.table}/{self.key}: {'gone ' if self.deleted else ''}at {self.position}"


class RangeVersion(models.Model):
    """A range of keys that was read whole: one row here instead of one for each key that it holds, or does not hold."""

    consumer: "models.CharField[str, str]" = models.CharField(max_length=160)
    table: "models.CharField[str, str]" = models.CharField(max_length=200)
    after = models.JSONField(
        null=True, help_text="The range begins behind this key; null: at the first."
    )
    through = models.JSONField(
        null=True, help_text="The last key of the range; null: there is none."
    )
    position: "models.BigIntegerField[int, int]" = models.BigIntegerField()
    at: "models.DateTimeField[dt.datetime, dt.datetime]" = models.DateTimeField()

    class Meta:
        app_label = "chassis_inbox"
        indexes = [
            models.Index(fields=["consumer", "table", "position"], name="chassis_range_newer"),
            models.Index(fields=["at"], name="chassis_range_at"),
        ]

    def __str__(self) -> str:
        return f"{self.table}: {self.after} to {self.through} at {self.position}"
