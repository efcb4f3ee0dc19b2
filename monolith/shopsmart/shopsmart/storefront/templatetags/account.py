"""The rooms of an account, beside every page in it."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse

from shopsmart.notifications.selectors import count_unread
from shopsmart.staff import may

register = template.Library()

# The page a room begins with, its name, and the other pages in it.
ROOMS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("storefront:orders", "Orders", frozenset({"storefront:order", "storefront:send-back"})),
    ("accounts:inbox", "Inbox", frozenset()),
    ("accounts:addresses", "Addresses", frozenset({"accounts:address", "accounts:new-address"})),
    ("accounts:account", "Profile", frozenset({"accounts:avatar"})),
    ("accounts:password", "Password", frozenset()),
    ("accounts:tokens", "API tokens", frozenset()),
)
# For staff: the page, its name, the other pages, and the permission that opens it.
STAFF_ROOMS: tuple[tuple[str, str, frozenset[str], str], ...] = (
    ("storefront:desk", "Order desk", frozenset({"storefront:desk-order"}), "orders.view_order"),
    ("reports:sales", "Sales", frozenset(), "reports.view_salesreport"),
)


@dataclass(frozen=True, slots=True)
class Room:
    """A link of the navigation. `current` is what aria-current says where the reader is in it."""

    url: str
    label: str
    current: str = ""
    count: int = 0


@register.inclusion_tag("accounts/_nav.html", takes_context=True)
def account_nav(context: Context) -> dict[str, Any]:
    """Where else one can go in the account; the inbox with what is unread (one query)."""
    here, user = context["request"].resolver_match.view_name, context["user"]
    rooms = list(ROOMS)
    rooms += [(*room, others) for *room, others, opens in STAFF_ROOMS if may(user, opens)]
    unread = {"accounts:inbox": count_unread(user=user)}
    return {
        "rooms": [
            Room(
                reverse(name),
                label,
                "page" if name == here else "true" if here in others else "",
                unread.get(name, 0),
            )
            for name, label, others in rooms
        ]
    }
