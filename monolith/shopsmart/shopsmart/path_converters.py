"""What stands in an address for a key of ours. What could be none is a 404, and no database is asked."""

from django.urls import register_converter
from django.urls.converters import StringConverter


class NumberConverter(StringConverter):
    """An order's number, or what could be one."""

    regex = r"[0-9A-Za-z-]{1,40}"


class SkuConverter(StringConverter):
    """A SKU: the catalogue allows anything printable. PostgreSQL refuses to be asked about a NUL."""

    regex = r"[^/\x00-\x1f\x7f]{1,40}"


register_converter(NumberConverter, "number")
register_converter(SkuConverter, "sku")
