import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from shopsmart.cart.models import Cart
from shopsmart.cart.tests.make import make_cart
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import make_stocked

pytestmark = pytest.mark.django_db


def test_what_guests_left_behind_goes_and_nothing_else() -> None:
    pot = make_stocked("Pot", 9)
    old, fresh, mine = (make_cart(user, {pot: 1}) for user in (None, None, make_user()))
    long_ago = timezone.now() - timedelta(days=90, minutes=1)
    Cart.objects.filter(pk__in=[old.pk, mine.pk]).update(updated_at=long_ago)
    said = io.StringIO()
    call_command("clear_carts", stdout=said)
    assert said.getvalue() == "1 carts of guests deleted.\n"
    assert set(Cart.objects.all()) == {fresh, mine}
