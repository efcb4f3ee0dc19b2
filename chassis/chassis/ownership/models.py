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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["capability", "table"], name="chassis_one_cursor_per_table"
            )
        ]

    def __str__(self) -> str:
        return f"{self.capability}/{self.table}: {self.phase} after {self.after}"
