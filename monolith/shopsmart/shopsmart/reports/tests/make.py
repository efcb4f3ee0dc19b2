"""Makes orders as the shop might have: by a seeded die, straight into the tables, rules and all."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Brand, Category, Product, Variant
from shopsmart.catalog.money import share_out, to_cents
from shopsmart.catalog.tests.make import make_brand, make_category, make_product, make_variant
from shopsmart.orders.models import Order, OrderLine, Return, ReturnLine
from shopsmart.payments.models import Payment, Refund
from shopsmart.promotions.models import Promotion

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
COUNTRIES = ["DE", "AT", "FR", "GB"]
CODES = ["", "", "", "WELCOME10", "SPRING5", "GONE"]


class World:
    """A small catalogue, some shoppers, and whatever the die says of their orders."""

    def __init__(self, seed: int) -> None:
        self.die = Random(seed)
        self.numbers = 0
        self.users = [self._user(n) for n in range(self.die.randint(1, 6))]
        self.variants = self._variants()
        Promotion.objects.create(code="WELCOME10", kind="percent", value=Decimal(10))
        Promotion.objects.create(code="SPRING5", kind="amount", value=Decimal("5.50"))

    def when(self) -> datetime:
        """Some time in eight days around NOON; often enough the first or last moment of a day."""
        day = (NOON + timedelta(days=self.die.randint(-4, 4))).replace(hour=0, minute=0)
        return self.die.choice(
            [
                day,
                day - timedelta(microseconds=1),
                day + timedelta(seconds=self.die.randrange(86_400)),
            ]
        )

    def order(self) -> Order:
        """An order in any state, with its payment and what was given back of it."""
        die = self.die
        lines = self._lines()
        subtotal = sum((total for *_, total in lines), Decimal(0))
        code = die.choice(CODES)
        discount = to_cents(subtotal * die.choice([10, 33, 100]) / 100) if code else Decimal(0)
        shipping = die.choice([Decimal(0), Decimal("4.90")])
        self.numbers += 1
        order = Order(
            number=f"S-{self.numbers:06d}",
            idempotency_key=str(self.numbers),
            user=die.choice(self.users),
            currency=die.choice(["EUR", "EUR", "EUR", "GBP"]),
            subtotal=subtotal,
            discount=discount,
            shipping=shipping,
            total=subtotal - discount + shipping,
            promotion_code=code,
            ship_name="A",
            ship_line1="1",
            ship_postcode="1",
            ship_city="B",
            ship_country=die.choice(COUNTRIES),
            placed_at=self.when(),
        )
        paid = order.total > 0 and die.random() < 0.8
        if paid:
            order.state, order.paid_at = "delivered", self.when()
            order.shipped_at = order.delivered_at = order.paid_at
            if die.random() < 0.2:
                order.state, order.cancelled_at = "cancelled", order.paid_at
                order.shipped_at = order.delivered_at = None
        order.save()
        offs = share_out(discount, [total for *_, total in lines])
        sold = [
            OrderLine.objects.create(
                order=order,
                variant=variant,
                sku=variant.sku,
                product_name="P",
                category_name="C",
                quantity=quantity,
                unit_price=price,
                line_total=total,
                discount=off,
            )
            for (variant, quantity, price, total), off in zip(lines, offs, strict=True)
        ]
        if order.total > 0:
            self._payments(order, sold, paid)
        return order

    def _payments(self, order: Order, lines: list[OrderLine], paid: bool) -> None:
        common = {"order": order, "amount": order.total, "currency": order.currency}
        if self.die.random() < 0.3:
            Payment.objects.create(
                **common, state="declined", decline_code="no", settled_at=self.when()
            )
        if not paid:
            if self.die.random() < 0.5:
                Payment.objects.create(**common, state="unknown")
            return
        payment = Payment.objects.create(
            **common, state="approved", gateway_id="g", settled_at=self.when()
        )
        if order.state == "cancelled":
            self._refund(payment, order.total)
            return
        left = {line: line.quantity for line in lines}
        for _ in range(self.die.choice([0, 0, 1, 3])):
            self._return(payment, left)
        if self.die.random() < 0.2 and payment.refundable.amount > 1:
            self._refund(payment, Decimal("0.99"))  # out of kindness

    def _return(self, payment: Payment, left: dict[OrderLine, int]) -> None:
        if self.die.random() < 0.3:
            coming = {line: pieces for line, pieces in left.items() if pieces}
        else:
            line = self.die.choice(list(left))
            coming = {line: self.die.randint(1, left[line])} if left[line] else {}
        if not coming:
            return
        came = self.die.random() < 0.8
        worth = sum(
            (to_cents(line.paid * pieces / line.quantity) for line, pieces in coming.items()),
            Decimal(0),
        )
        if came:
            for line, pieces in coming.items():
                left[line] -= pieces
            if not any(left.values()):
                worth += payment.order.shipping
        amount = min(worth, payment.refundable.amount)
        returned = Return.objects.create(
            order=payment.order,
            reason="r",
            state="received" if came else "refused",
            settled_at=self.when(),
            refund_amount=amount if came else 0,
        )
        for line, pieces in coming.items():
            ReturnLine.objects.create(parent=returned, order_line=line, quantity=pieces)
        if came and amount:
            self._refund(payment, amount)

    def _refund(self, payment: Payment, amount: Decimal) -> None:
        state = self.die.choice(["done", "done", "done", "done", "pending", "refused"])
        fields = {
            "done": {"gateway_id": "g", "settled_at": self.when()},
            "pending": {},
            "refused": {"refusal_code": "no", "settled_at": self.when()},
        }[state]
        Refund.objects.create(payment=payment, amount=amount, state=state, reason="r", **fields)
        if state != "refused":
            payment.refunded += amount
            payment.save()

    def _lines(self) -> list[tuple[Variant, int, Decimal, Decimal]]:
        chosen = self.die.sample(self.variants, self.die.randint(1, min(4, len(self.variants))))
        lines = []
        for variant in chosen:
            quantity = self.die.randint(1, 3)
            # Few prices, so that returns of different goods are often worth the same.
            price = Decimal(self.die.choice([0, 333, 1000, 1000, 1000, 99999999])) / 100
            lines.append((variant, quantity, price, price * quantity))
        return lines

    def _user(self, number: int) -> User:
        user = User(username=f"u{number}", email=f"u{number}@example.org", display_name="U")
        user.date_joined = self.when()
        user.save()
        return user

    def _variants(self) -> list[Variant]:
        top: Category = make_category("Kitchen")
        shelves = [top, make_category("Tea", parent=top), make_category("Garden")]
        brands: list[Brand | None] = [make_brand("Pannikin"), make_brand("=HYPERLINK()"), None]
        products: list[Product] = [
            make_product(f"Thing {n}", category=shelves[n % 3], brand=self.die.choice(brands))
            for n in range(6)
        ]
        return [make_variant(product) for product in products for _ in range(2)]
