"""The archive: every shape of table that capture must see through. Odd names, composite and partial unique keys, foreign
keys to other columns than the key, a model that inherits another's table."""

import uuid

from django.db import models


class Kind(models.Model):
    code = models.CharField(max_length=10, unique=True)
    title = models.CharField(max_length=40)
    clerk = models.CharField(max_length=40, blank=True)


class Box(models.Model):
    label = models.CharField(max_length=40, primary_key=True, db_column="Box's Läbel")
    kind = models.ForeignKey(Kind, models.PROTECT, to_field="code", null=True)
    place = models.CharField(max_length=40, null=True, unique=True, db_column="group")

    class Meta:
        db_table = "archive - Böx order"


class Slot(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    box = models.ForeignKey(Box, models.PROTECT)
    number = models.IntegerField()
    is_first = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["box", "number"], name="archive_numbers_differ"),
            models.UniqueConstraint(
                fields=["box"], condition=models.Q(is_first=True), name="archive_one_is_first"
            ),
        ]


class Paper(models.Model):
    title = models.CharField(max_length=40)
    pages = models.IntegerField(default=1)


class Letter(Paper):
    slot = models.ForeignKey(Slot, models.PROTECT, null=True)
    sender = models.CharField(max_length=40)


class Leaf(models.Model):
    """Its table is made by the tests that use it, since Django does not let the database cascade."""

    paper = models.ForeignKey(Paper, models.DO_NOTHING, null=True)
    text = models.CharField(max_length=40)

    class Meta:
        managed = False
        db_table = "archive_leaf"
