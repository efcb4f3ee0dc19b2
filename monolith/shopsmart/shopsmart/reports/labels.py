"""How the rows of a report are called: a key for programs, a label for people."""

from collections.abc import Callable
from typing import Any

from shopsmart.accounts.countries import country_name
from shopsmart.catalog.models import Brand
from shopsmart.catalog.selectors import CategoryTree
from shopsmart.promotions.models import Promotion, PromotionKind
from shopsmart.reports.figures import Dimension

PARCELS = "parcels"  # groups what belongs to no goods
SHIPPING = ("", "Shipping")

Label = tuple[str, str]


def labels_of(by: Dimension) -> Callable[[Any], Label]:
    """Names a group by what the reckoning groups by: a date, an id, a country's or promotion's code."""
    match by:
        case Dimension.DAY | Dimension.COUNTRY:
            names: dict[Any, Label] = {}
        case Dimension.CATEGORY:
            names = {PARCELS: SHIPPING} | {
                node.category.pk: (node.category.slug, " › ".join(map(str, node.path)))
                for node in CategoryTree().nodes
            }
        case Dimension.BRAND:
            names = {PARCELS: SHIPPING, None: ("", "No brand")} | {
                pk: (slug, name)
                for pk, slug, name in Brand.objects.values_list("pk", "slug", "name")
            }
        case Dimension.PROMOTION:
            names = {"": ("", "No code")} | {
                promotion.code: (promotion.code, _worth(promotion))
                for promotion in Promotion.objects.all()
            }
    return lambda group: names.get(group) or (str(group), country_name(str(group)))


def _worth(promotion: Promotion) -> str:
    value = f"{promotion.value:f}".rstrip("0").rstrip(".")
    unit = "%" if promotion.kind == PromotionKind.PERCENT else promotion.currency
    return f"{promotion.code} ({value} {unit})"
