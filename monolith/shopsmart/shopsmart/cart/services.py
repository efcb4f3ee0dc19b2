"""Everything that writes to carts, each in one transaction that locks the cart first.

A guest's cart is made when something is put into it, not when somebody looks. Nothing is reserved for
a cart: stock is held from the checkout on.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.cart.models import MAX_LINES, MAX_QUANTITY, Cart, CartLine
from shopsmart.cart.selectors import read_lines, summarise
from shopsmart.catalog.models import Variant
from shopsmart.inventory.errors import Shortage
from shopsmart.inventory.models import StockItem
from shopsmart.promotions.errors import CodeRefused
from shopsmart.promotions.services import normalise_code

COOKIE = "cart"
COOKIE_SALT = "shopsmart.cart"


def cart_of(request: HttpRequest) -> Cart:
    """The cart of whoever asks, not yet saved where they have none.

    It is noted on the request, for the middleware to tell a guest's browser the key of a new one.
    """
    user = request.user
    if isinstance(user, User):
        cart = Cart.objects.filter(user=user).first() or Cart()
        cart.user = user
    else:
        cart = guest_cart(request) or Cart()
    # REST framework hands on a wrapper; the middleware sees what is inside.
    getattr(request, "_request", request).cart = cart
    return cart


def guest_cart(request: HttpRequest) -> Cart | None:
    """The cart that the request's cookie names; None where it names none that is a guest's."""
    key = request.get_signed_cookie(COOKIE, default=None, salt=COOKIE_SALT)
    return Cart.objects.filter(key=key, user=None).first() if key else None


def add_to_cart(*, cart: Cart, variant: Variant, quantity: int = 1) -> CartLine:
    """Put so many more of a variant into a cart.

    Raises ValidationError by field where it is not sold, or fewer are left, or it would be too many.
    """
    with _locked(cart):
        line = cart.lines.filter(variant=variant).first() or CartLine(cart=cart, variant=variant)
        _check_sold(cart, variant)
        if line.pk is None and cart.lines.count() >= MAX_LINES:
            raise ValidationError({"sku": f"A cart holds {MAX_LINES} different things at most."})
        return _set(line, (line.quantity or 0) + quantity)


def set_quantity(*, cart: Cart, variant: Variant, quantity: int) -> CartLine:
    """Let there be so many of a variant that is in the cart.

    Raises CartLine.DoesNotExist where it isn't, and ValidationError by field as `add_to_cart` does.
    """
    if cart.pk is None:
        raise CartLine.DoesNotExist
    with _locked(cart):
        return _set(cart.lines.get(variant=variant), quantity)


def remove_line(*, cart: Cart, variant: Variant) -> None:
    """Take a variant out of a cart; harmless where it isn't in there."""
    if cart.pk is not None:
        with _locked(cart):
            cart.lines.filter(variant=variant).delete()


def apply_code(*, cart: Cart, code: str) -> Cart:
    """Remember a code with a cart; raises CodeRefused, which says why it gives nothing here and now."""
    code = normalise_code(code)
    with _locked(cart):
        lines = list(read_lines(cart))
        if not lines:
            raise CodeRefused("Put something into the cart first.")
        summary = summarise(lines, code=code, user=cart.user)
        if summary.applied is None:
            raise CodeRefused(summary.problems[-1].message)
        cart.promotion_code = code
        cart.save(update_fields=["promotion_code"])
    return cart


def drop_code(*, cart: Cart) -> Cart:
    """Forget a cart's code; harmless where it has none."""
    if cart.pk is not None:
        with _locked(cart):
            cart.promotion_code = ""
            cart.save(update_fields=["promotion_code"])
    return cart


@transaction.atomic
def merge_carts(*, guest: Cart, user: User) -> Cart:
    """Put what a guest chose into the cart of the user they turned out to be; the guest's cart goes.

    Quantities add up, to what a line may hold. The user's own code stays, where they had one.
    """
    mine = lock_cart(user=user)
    theirs = Cart.objects.select_for_update(no_key=True).filter(pk=guest.pk, user=None).first()
    if theirs is not None:
        lines = {line.variant_id: line.quantity for line in theirs.lines.all()}
        put_back(cart=mine, lines=lines, code=theirs.promotion_code)
        theirs.delete()
    return mine


def lock_cart(*, user: User) -> Cart:
    """The cart of a user, made where there is none, locked until the end of the transaction."""
    carts = Cart.objects.select_for_update(no_key=True)
    cart = carts.filter(user=user).first()
    if cart is None:
        Cart.objects.bulk_create([Cart(user=user)], ignore_conflicts=True)
        cart = carts.get(user=user)
    return cart


def empty(*, cart: Cart) -> None:
    """Take everything out of a cart that the caller has locked, its code too."""
    cart.lines.all().delete()
    cart.promotion_code = ""
    cart.updated_at = timezone.now()
    cart.save(update_fields=["promotion_code", "updated_at"])


def put_back(*, cart: Cart, lines: Mapping[int, int], code: str) -> None:
    """Add so many of each variant (by id) to a cart that the caller has locked, and a code if it has none."""
    there = {line.variant_id: line for line in cart.lines.all()}
    for variant_id, quantity in lines.items():
        line = there.setdefault(variant_id, CartLine(cart=cart, variant_id=variant_id, quantity=0))
        line.quantity = min(line.quantity + quantity, MAX_QUANTITY)
    changed = [there[variant_id] for variant_id in lines]
    CartLine.objects.bulk_update([line for line in changed if line.pk], ["quantity"])
    CartLine.objects.bulk_create(line for line in changed if not line.pk)
    cart.promotion_code = cart.promotion_code or code
    cart.updated_at = timezone.now()
    cart.save(update_fields=["promotion_code", "updated_at"])


@contextmanager
def _locked(cart: Cart) -> Iterator[None]:
    """One transaction with the cart locked, and saved first where it is new; then it is as the database has it.

    Where that is rolled back a new cart is as new as before.
    """
    is_new = cart.pk is None
    try:
        with transaction.atomic():
            if is_new:
                cart.pk = lock_cart(user=cart.user).pk if cart.user else _make(cart)
            locked = Cart.objects.select_for_update(no_key=True).filter(pk=cart.pk).first()
            if locked is None:
                said = "This cart is gone: it was taken over when you logged in. Look again."
                raise ValidationError(said)
            cart.key, cart.promotion_code = locked.key, locked.promotion_code
            cart._state.adding = False
            cart.updated_at = timezone.now()
            cart.save(update_fields=["updated_at"])
            yield
    except BaseException:
        if is_new:
            cart.pk, cart._state.adding = None, True
        raise


def _make(guests: Cart) -> int:
    guests.save(force_insert=True)
    return guests.pk


def _check_sold(cart: Cart, variant: Variant) -> None:
    if not variant.product.is_active:
        raise ValidationError({"sku": f"{variant} is no longer sold."})
    other = cart.lines.exclude(variant__currency=variant.currency).first()
    if other is not None:
        raise ValidationError(
            {"sku": f"{variant} is sold in {variant.currency}. Order it by itself."}
        )


def _set(line: CartLine, quantity: int) -> CartLine:
    if quantity < 1:
        raise ValidationError({"quantity": "Choose 1 or more, or remove it."})
    if quantity > MAX_QUANTITY:
        said = f"A cart holds {MAX_QUANTITY} of one thing at most."
        raise ValidationError({"quantity": said})
    stock = StockItem.objects.filter(variant_id=line.variant_id).first()
    available = stock.available if stock else 0
    if quantity > available:
        raise ValidationError({"quantity": str(Shortage(line.variant, quantity, available))})
    line.quantity = quantity
    line.save()
    return line
