import pytest
from django.test import Client

from shopsmart.cart.tests.make import make_cart
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import make_stocked

pytestmark = pytest.mark.django_db


def test_staff_look_at_carts_and_leave_them_alone(admin_client: Client) -> None:
    cart = make_cart(make_user(), {make_stocked("Pot"): 3})
    assert ">3<" in admin_client.get("/admin/cart/cart/").content.decode()
    page = f"/admin/cart/cart/{cart.pk}/change/"
    assert "Pot" in admin_client.get(page).content.decode()
    assert admin_client.post(page, {}).status_code == 403
