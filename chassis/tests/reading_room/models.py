"""The reading room: copies shelves and books into tables of its own."""

from django.db import models


class Shelf(models.Model):
    above = models.ForeignKey("self", models.PROTECT, null=True)
    name = models.CharField(max_length=40, unique=True)
    closed = models.BooleanField()


class Book(models.Model):
    isbn = models.CharField(max_length=20, primary_key=True)
    title = models.CharField(max_length=80)
    shelf = models.ForeignKey(Shelf, models.CASCADE)
    author = models.CharField(max_length=40, null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    added_at = models.DateTimeField()
    changed_at = models.DateTimeField(auto_now=True)
    times_read = models.PositiveIntegerField(default=0)


class Bookmark(models.Model):
    """A table of the service's own that refers to what is copied."""

    book = models.ForeignKey(Book, models.CASCADE)


class Everything(models.Model):
    small = models.SmallIntegerField(null=True)
    big = models.BigIntegerField(null=True)
    yes = models.BooleanField(null=True)
    text = models.TextField(null=True)
    money = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    ratio = models.FloatField(null=True)
    moment = models.DateTimeField(null=True, auto_now=True)
    day = models.DateField(null=True)
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    token = models.UUIDField(null=True)
    blob = models.BinaryField(null=True)
    document = models.JSONField(null=True)
    file = models.FileField(null=True)
    address = models.GenericIPAddressField(null=True)
