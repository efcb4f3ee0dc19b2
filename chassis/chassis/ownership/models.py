"""Where a copy has got to. The row is written in the transaction of the rows it speaks of, so that after a kill at any
moment it says exactly what has been copied."""

import datetime as dt
import uuid

from django.db import models


class BackfillCursor(models.Model):
    """One table's place in its capability's walk."""

    class Phase(models.TextChoices):
        SWEEP = "sweep", "deleting what vanished"
        COPY = "copy", "copying rows"
        SWEEP_KEPT = "sweep_kept", "deleting what was still referred to"
        DONE = "done", "done"

    capability: "models.CharField[str, str]" = models.CharField(max_length=100)
    table: "models.CharField[str, str]" = models.CharField(max_length=200)
    walk: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        help_text="One run to the end, however often it was interrupted."
    )
    phase: "models.CharField[str, str]" = models.CharField(
        max_length=12, choices=Phase.choices, default=Phase.SWEEP
    )
    after = models.JSONField(null=True, help_text="The last key that is done in this phase.")
    step: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0, help_text="Rises with each chunk: a second writer finds it moved and stops."
    )
    rows_read: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0
    )
    inserted: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(default=0)
    changed: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(default=0)
    unchanged: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0
    )
    deleted: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(default=0)
    orphaned: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0, help_text="Not written: what they refer to is not in the source."
    )
    kept: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0, help_text="Vanished from the source, but still referred to here."
    )
    started_at: "models.DateTimeField[dt.datetime, dt.datetime]" = models.DateTimeField()
    finished_at: "models.DateTimeField[dt.datetime | None, dt.datetime | None]" = (
        models.DateTimeField(null=True)
    )
    copied: "models.BooleanField[bool, bool]" = models.BooleanField(
        default=False, help_text="A walk has come to its end since the copy began."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["capability", "table"], name="chassis_one_cursor_per_table"
            )
        ]

    def __str__(self) -> str:
        return f"{self.capability}/{self.table}: {self.phase} after {self.after}"


class Change(models.Model):
    """One entry of the change log: *look at this row*. Written by triggers, in the writer's transaction.

    It holds no content: a reader of the log reads what the row holds by then. So a needless entry does no harm.
    """

    table: "models.CharField[str, str]" = models.CharField(
        max_length=200, help_text="Empty: a marker, written when capture begins."
    )
    column: "models.CharField[str, str]" = models.CharField(
        max_length=200,
        help_text="Empty: this row changed. Else: what is reached by this column's value changed.",
    )
    key: "models.TextField[str, str]" = models.TextField()
    at: "models.BigIntegerField[int, int]" = models.BigIntegerField(
        help_text="Microseconds since 1970, by the database's clock."
    )
    xid: "models.BigIntegerField[int | None, int | None]" = models.BigIntegerField(
        null=True, help_text="PostgreSQL: the writer's transaction."
    )

    class Meta:
        indexes = [models.Index(fields=["xid", "id"], name="chassis_change_order")]

    def __str__(self) -> str:
        return f"{self.pk}: {self.table}/{self.key}"


class CaptureState(models.Model):
    """That a capability is captured, and since when without a gap."""

    capability: "models.CharField[str, str]" = models.CharField(max_length=100, unique=True)
    incarnation: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        help_text="Changes when changes may have been missed: whoever copied before must copy again."
    )
    began_at: "models.DateTimeField[dt.datetime, dt.datetime]" = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.capability}: {self.incarnation}"


class FeedReader(models.Model):
    """How far a caller has applied a capability's feed, as it said when it last asked."""

    capability: "models.CharField[str, str]" = models.CharField(max_length=100)
    caller: "models.CharField[str, str]" = models.CharField(max_length=100)
    cursor: "models.TextField[str, str]" = models.TextField()
    asked_at: "models.DateTimeField[dt.datetime, dt.datetime]" = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["capability", "caller"], name="chassis_one_row_per_reader"
            )
        ]

    def __str__(self) -> str:
        return f"{self.caller} of {self.capability}: {self.cursor}"


class ReplicaCursor(models.Model):
    """Where the copy of a capability stands in the source's feed. Whoever writes rows of the copy locks this row first."""

    capability: "models.CharField[str, str]" = models.CharField(max_length=100, unique=True)
    epoch: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        help_text="New whenever the copy begins anew: what was read or stored under another one means nothing."
    )
    incarnation: "models.CharField[str, str]" = models.CharField(
        max_length=200, blank=True, help_text="The source's; empty: it tells none."
    )
    cursor: "models.TextField[str, str]" = models.TextField(
        blank=True, help_text="What has been applied of the feed; empty: it is not followed."
    )
    step: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0, help_text="Rises with each page: a second consumer finds it moved and stops."
    )
    position: "models.BigIntegerField[int, int]" = models.BigIntegerField(
        default=0, help_text="At which the last page of the feed was read: the next can't be older."
    )
    floor: "models.BigIntegerField[int, int]" = models.BigIntegerField(
        default=0, help_text="Versions below were forgotten: what was read there is not applied."
    )
    changes: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0, help_text="Events applied since the copy began."
    )
    began_at: "models.DateTimeField[dt.datetime, dt.datetime]" = models.DateTimeField()
    heard_at: "models.DateTimeField[dt.datetime | None, dt.datetime | None]" = models.DateTimeField(
        null=True, help_text="When the source answered last, to within some seconds."
    )
    applied_at: "models.DateTimeField[dt.datetime | None, dt.datetime | None]" = (
        models.DateTimeField(null=True)
    )
    trouble: "models.TextField[str, str]" = models.TextField(
        blank=True, help_text="Why it does not go on; empty: it does."
    )
    trouble_at: "models.DateTimeField[dt.datetime | None, dt.datetime | None]" = (
        models.DateTimeField(null=True)
    )

    def __str__(self) -> str:
        return f"{self.capability}: {self.cursor or 'not followed'}"


class Orphan(models.Model):
    """A row that was left out because what it refers to was not in the source; it is read again when that comes."""

    capability: "models.CharField[str, str]" = models.CharField(max_length=100)
    table: "models.CharField[str, str]" = models.CharField(max_length=200)
    key: "models.TextField[str, str]" = models.TextField()
    parent_table: "models.CharField[str, str]" = models.CharField(max_length=200)
    parent_key: "models.TextField[str, str]" = models.TextField()

    class Meta:
        indexes = [
            models.Index(fields=["capability", "table", "key"], name="chassis_orphan"),
            models.Index(
                fields=["capability", "parent_table", "parent_key"], name="chassis_orphan_parent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.table}/{self.key} waits for {self.parent_table}/{self.parent_key}"


class Kept(models.Model):
    """A row that is gone from the source, but is still referred to here; it goes when nothing refers to it any more."""

    capability: "models.CharField[str, str]" = models.CharField(max_length=100)
    table: "models.CharField[str, str]" = models.CharField(max_length=200)
    key: "models.TextField[str, str]" = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["capability", "table", "key"], name="chassis_kept_once")
        ]

    def __str__(self) -> str:
        return f"{self.table}/{self.key}"
