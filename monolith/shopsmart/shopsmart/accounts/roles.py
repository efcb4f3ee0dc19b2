"""What members of staff may do, in one table. `migrate` makes a group of each role and keeps it so.

A permission that was given to one of these groups by hand is taken away by the next `migrate`; who
needs more gets another group, or the permission itself. No role may touch accounts, groups or
tokens: whoever could, could give themselves every other role.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions

LOOK = "view"
KEEP = "view add change"
ALL = "view add change delete"

CATALOGUE_EDITORS = "Catalogue editors"
STOCK_KEEPERS = "Stock keepers"
ORDER_DESK = "Order desk"
ACCOUNTS_DEPARTMENT = "Accounts department"

ROLES: dict[str, dict[str, str]] = {
    CATALOGUE_EDITORS: {
        "catalog.category": ALL,
        "catalog.brand": ALL,
        "catalog.product": ALL,
        "catalog.variant": ALL,
        "catalog.productimage": ALL,
        "catalog.pricechange": LOOK,
        "catalog.review": "view change",
        "promotions.promotion": KEEP,
    },
    STOCK_KEEPERS: {
        "inventory.stockitem": "view change",
        "inventory.movement": "view add",
        "inventory.reservation": LOOK,
        "catalog.product": LOOK,
        "catalog.variant": LOOK,
    },
    ORDER_DESK: {
        "orders.order": "view change",
        "orders.orderline": LOOK,
        "orders.orderevent": LOOK,
        "orders.return": "view change",
        "orders.returnline": LOOK,
        "payments.payment": LOOK,
        "payments.refund": LOOK,
        "inventory.stockitem": LOOK,
        "accounts.user": LOOK,
        "accounts.address": LOOK,
        "notifications.notification": LOOK,
        "notifications.mail": "view change",
    },
    ACCOUNTS_DEPARTMENT: {
        "payments.payment": LOOK,
        "payments.refund": "view add",
        "orders.order": LOOK,
        "orders.orderline": LOOK,
        "orders.orderevent": LOOK,
        "orders.return": LOOK,
        "orders.returnline": LOOK,
        "promotions.promotion": LOOK,
        "promotions.redemption": LOOK,
        "reports.salesreport": LOOK,
    },
}


def permissions_of(role: str) -> Iterator[tuple[str, str]]:
    """What a role may do, as pairs of an app and the code name of a permission."""
    for model, actions in ROLES[role].items():
        app, _, name = model.partition(".")
        for action in actions.split():
            yield app, f"{action}_{name}"


def keep_roles(
    app_config: AppConfig, using: str, apps: Apps = installed_apps, **kwargs: Any
) -> None:
    """Give each role's group what the table says of one app, and nothing else of it.

    A receiver of `post_migrate`, which comes once for each app, after `flush` too.
    """
    wanted = {
        role: {code for app, code in permissions_of(role) if app == app_config.label}
        for role in ROLES
    }
    if not any(wanted.values()):
        return
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return  # migrated to a point before there were groups
    # Django makes them by a receiver of its own, which may come after this one.
    create_permissions(app_config, using=using, apps=apps, **{**kwargs, "verbosity": 0})
    ids = dict(
        permission_model.objects.using(using)
        .filter(content_type__app_label=app_config.label)
        .values_list("codename", "pk")
    )
    groups = {
        group.name: group for group in group_model.objects.using(using).filter(name__in=ROLES)
    }
    for role in ROLES.keys() - groups.keys():
        groups[role], _ = group_model.objects.using(using).get_or_create(name=role)
    grants = group_model.permissions.through
    held = grants.objects.using(using).filter(
        group__name__in=ROLES, permission__content_type__app_label=app_config.label
    )
    has = {(grant.group_id, grant.permission_id): grant.pk for grant in held}
    wants = {
        (groups[role].pk, ids[code])
        for role, codes in wanted.items()
        for code in codes & ids.keys()
    }
    grants.objects.using(using).bulk_create(
        [
            grants(group_id=group, permission_id=permission)
            for group, permission in sorted(wants - has.keys())
        ],
        ignore_conflicts=True,
    )
    grants.objects.using(using).filter(
        pk__in=[pk for pair, pk in has.items() if pair not in wants]
    ).delete()
