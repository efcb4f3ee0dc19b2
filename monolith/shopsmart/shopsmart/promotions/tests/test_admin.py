import pytest
from django.test import Client

from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import make_order
from shopsmart.promotions.models import Promotion
from shopsmart.promotions.services import redeem
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db

PAGE = "/admin/promotions/promotion/"
FORM = {
    "code": "spring ",
    "kind": "percent",
    "value": "15",
    "currency": "EUR",
    "minimum": "0",
    "starts_at_0": "2026-03-01",
    "starts_at_1": "00:00:00",
    "is_active": "on",
}


def test_a_code_is_made_in_whatever_case(admin_client: Client) -> None:
    assert admin_client.post(f"{PAGE}add/", FORM).status_code == 302
    assert Promotion.objects.get().code == "SPRING"


@pytest.mark.parametrize(
    ("field", "value"), [("code", "two words"), ("value", "101"), ("value", "0"), ("minimum", "-1")]
)
def test_what_cannot_be_is_said_in_the_form(admin_client: Client, field: str, value: str) -> None:
    answer = admin_client.post(f"{PAGE}add/", {**FORM, field: value})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not Promotion.objects.exists()


def test_a_code_that_was_used_stays(admin_client: Client) -> None:
    used, fresh = make_promotion("USED"), make_promotion("FRESH")
    redeem(promotion=used, order=make_order(make_user()))
    assert ">1<" in admin_client.get(PAGE, {"q": "used"}).content.decode()
    assert admin_client.post(f"{PAGE}{used.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{PAGE}{fresh.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Promotion.objects.get() == used
