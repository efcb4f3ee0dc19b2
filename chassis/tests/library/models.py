"""The library: what owns the rows. A tree, foreign keys, a text key, and a manager that hides rows."""

import uuid

from django.db import models


class OpenShelves(models.Manager["Shelf"]):
    def get_queryset(self) -> models.QuerySet["Shelf"]:
        return super().get_queryset().filter(closed=False)


class Shelf(models.Model):
    above = models.ForeignKey("self", models.PROTECT, null=True)
    name = models.CharField(max_length=40, unique=True)
    closed = models.BooleanField(default=False)

    objects = OpenShelves()
    everything = models.Manager["Shelf"]()


class Country(models.Model):
    name = models.CharField(max_length=40)


class Author(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=40)
    country = models.ForeignKey(Country, models.PROTECT, null=True)


class Book(models.Model):
    isbn = models.CharField(max_length=20, primary_key=True)
    title = models.CharField(max_length=80)
    shelf = models.ForeignKey(Shelf, models.PROTECT)
    author = models.ForeignKey(Author, models.CASCADE, null=True, db_constraint=False)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    added_at = models.DateTimeField()
    changed_at = models.DateTimeField(auto_now=True)
    note = models.TextField(blank=True)


class Everything(models.Model):
    """One column of each kind that the data channel carries."""

    small = models.SmallIntegerField(null=True)
    big = models.BigIntegerField(null=True)
    yes = models.BooleanField(null=True)
    text = models.TextField(null=True)
    money = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    ratio = models.FloatField(null=True)
    moment = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    token = models.UUIDField(null=True)
    blob = models.BinaryField(null=True)
    document = models.JSONField(null=True)
    file = models.FileField(null=True)
    address = models.GenericIPAddressField(null=True)
