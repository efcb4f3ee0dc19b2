"""Insert-first dedupe: a message has its effect once, however often it is delivered.

    with transaction.atomic():
        if receive("mailer", event["id"]):
            ...  # the effect, in the same database

The row goes in before the effect and in the effect's transaction. To look first and insert later would let two
deliveries at once both find nothing. Here the second one waits, in the database, for the first to end: if that commits,
the second has received nothing; if it is rolled back, effect and all, the second goes on.
"""

import datetime as dt
from collections.abc import Sequence

from django.db import connections, router, transaction
from django.utils import timezone

from chassis.inbox.models import Received

# Of three parameters each: SQLite's oldest limit for a statement is 999.
_ROWS_PER_STATEMENT = 300


def receive(consumer: str, message_id: str, *, using: str | None = None) -> bool:
    """Whether the message is new to this consumer; from now on it is not, if the caller's transaction commits.

    Raises TransactionManagementError outside a transaction: there the message would count as received before its
    effect is there, and be lost with it.
    """
    return bool(receive_all(consumer, [message_id], using=using))


def receive_all(consumer: str, message_ids: Sequence[str], *, using: str | None = None) -> set[str]:
    """Those of the messages that are new to this consumer; else as `receive`."""
    connection = connections[using or router.db_for_write(Received)]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "receive() belongs in the transaction of the effect: call it inside transaction.atomic()"
        )
    columns = [connection.ops.quote_name(name) for name in ("consumer", "message_id", "at")]
    table = connection.ops.quote_name(Received._meta.db_table)
    # Two transactions that get the same messages in another order would wait for each other.
    ordered, new = sorted(set(message_ids)), set()
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        for start in range(0, len(ordered), _ROWS_PER_STATEMENT):
            part = ordered[start : start + _ROWS_PER_STATEMENT]
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - quoted names and placeholders only
                f"VALUES {', '.join(['(%s, %s, %s)'] * len(part))} "
                f"ON CONFLICT ({columns[0]}, {columns[1]}) DO NOTHING RETURNING {columns[1]}",
                [value for message_id in part for value in (consumer, message_id, now)],
            )
            new |= {message_id for (message_id,) in cursor.fetchall()}
    return new


def forget_received(before: dt.datetime, at_most: int, *, using: str | None = None) -> int:
    """Forget up to so many messages received before that moment; gives how many.

    What is delivered again after that is applied again: keep them longer than anybody tries to deliver.
    """
    rows = Received.objects.using(using or router.db_for_write(Received))
    old = list(rows.filter(at__lt=before).values_list("pk", flat=True)[:at_most])
    deleted, _ = rows.filter(pk__in=old).delete()
    return deleted
