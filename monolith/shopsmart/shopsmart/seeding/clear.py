"""Takes out of the shop what people did in it, so that its catalogue can go too."""

from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model

from shopsmart.cart.models import Cart, CartLine
from shopsmart.inventory.models import Movement, Reservation, StockItem
from shopsmart.notifications.models import Kind, Notification
from shopsmart.orders.models import Order, OrderEvent, OrderLine, Return, ReturnLine
from shopsmart.payments.models import Payment, Refund
from shopsmart.promotions.models import Promotion, Redemption

# Children before parents, so that none is left pointing at nothing.
PAST_MODELS: tuple[type[Model], ...] = (
    ReturnLine, Return, Refund, Payment, Redemption, Reservation, Movement, StockItem,
    OrderEvent, OrderLine, Order, Promotion, CartLine, Cart,
)  # fmt: skip


@transaction.atomic
def clear_past() -> None:
    """Delete orders, payments, stock, promotions and carts, and begin counting their ids at 1 again.

    Users stay, with their addresses and mails; what their inbox says of orders goes.
    """
    for model in PAST_MODELS:
        model._default_manager.all()._raw_delete(connection.alias)
    Notification.objects.exclude(kind=Kind.WELCOME).delete()
    tables = [
        {"table": model._meta.db_table, "column": model._meta.pk.column} for model in PAST_MODELS
    ]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_by_name_sql(no_style(), tables):
            cursor.execute(statement)
