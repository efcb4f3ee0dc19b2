"""Everything that writes orders. Who calls from outside imports from here.

**Locks** are taken in one order everywhere: order, its payments, their refunds, cart, promotion,
stock by variant. So no two shoppers, and no shopper and no clerk, wait for each other in a circle.

**Orders and payments call each other.** A checkout opens a payment and asks for the charge; what came
of it comes back through `take_outcome`, in the transaction that writes it to the payment. Payments
import this module late, when they call it.

No mail is sent and no gateway asked inside a transaction. What has to be asked because of a change
(a refund, a charge to withdraw) is asked right after its commit, and by `manage.py settle_payments`
if the process did not live that long.
"""

from shopsmart.orders.services.checkout import ShipTo, place_order
from shopsmart.orders.services.fulfilment import cancel_order, deliver_order, ship_order
from shopsmart.orders.services.outcome import look_again, take_outcome
from shopsmart.orders.services.returns import receive_return, refuse_return, request_return

__all__ = [
    "ShipTo",
    "cancel_order",
    "deliver_order",
    "look_again",
    "place_order",
    "receive_return",
    "refuse_return",
    "request_return",
    "ship_order",
    "take_outcome",
]
