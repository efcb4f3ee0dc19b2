"""Numbers of a report as people read them."""

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def amount(value: Decimal) -> str:
    """1,234.50; a whole table is in one currency, which its caption names."""
    return f"{value:,.2f}"


@register.filter
def share(value: Decimal, most: Decimal) -> int:
    """How long a bar is, of 100; nothing for what brought nothing."""
    return round(max(value, Decimal(0)) * 100 / most) if most > 0 else 0
