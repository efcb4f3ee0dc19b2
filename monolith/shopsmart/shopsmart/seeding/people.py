"""Where the shoppers live, and one member of staff for each role."""

from collections.abc import Sequence

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from shopsmart.accounts.models import Address, User
from shopsmart.accounts.roles import (
    ACCOUNTS_DEPARTMENT,
    CATALOGUE_EDITORS,
    ORDER_DESK,
    STOCK_KEEPERS,
)
from shopsmart.catalog.seeding.plan import OLDEST_DAY
from shopsmart.catalog.seeding.write import PASSWORD
from shopsmart.seeding.places import places_of

# User name, role, and how they are shown.
STAFF = (
    ("editor", CATALOGUE_EDITORS, "Catalogue editor"),
    ("stock", STOCK_KEEPERS, "Stock keeper"),
    ("desk", ORDER_DESK, "Order desk"),
    ("accounts", ACCOUNTS_DEPARTMENT, "Accounts department"),
)


def write_staff() -> dict[str, User]:
    """Make one member of staff for each role; gives them by role.

    An account of such a name that exists already is left as it is, and comes to no rights by it.
    Raises Group.DoesNotExist where `migrate` has made no roles.
    """
    # Of a fixed salt, as the shoppers' are: the password is no secret anyway.
    password = make_password(PASSWORD, salt="shopsmart")
    groups = {role: Group.objects.get(name=role) for _, role, _ in STAFF}
    known = set(User.objects.values_list("username", flat=True))
    for name, role, shown in STAFF:
        if name not in known:
            made = User.objects.create(
                username=name,
                email=f"{name}@example.com",
                display_name=shown,
                is_staff=True,
                password=password,
                date_joined=OLDEST_DAY,
            )
            made.groups.add(groups[role])
    staff = User.objects.in_bulk([name for name, _, _ in STAFF], field_name="username")
    return {role: staff[name] for name, role, _ in STAFF}


def write_addresses(shoppers: Sequence[User]) -> list[Address]:
    """Give each shopper who has none an address or two; gives everybody's default, in their order."""
    settled = set(Address.objects.values_list("user_id", flat=True))
    defaults, made = [], []
    for number, shopper in enumerate(shoppers):
        addresses = [
            Address(
                user=shopper,
                name=shopper.display_name,
                line1=place.line1,
                line2=place.line2,
                postcode=place.postcode,
                city=place.city,
                country=place.country,
                is_default=not rank,
            )
            for rank, place in enumerate(places_of(number))
        ]
        defaults.append(addresses[0])
        if shopper.pk not in settled:
            made += addresses
    Address.objects.bulk_create(made, batch_size=500)
    return defaults
