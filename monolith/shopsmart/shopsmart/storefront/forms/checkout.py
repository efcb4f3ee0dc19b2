"""What a checkout asks: where to, and which card. The rules are the address book's and the payments'."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from shopsmart.accounts.forms import AddressForm
from shopsmart.accounts.models import Address
from shopsmart.cart.pricing import SummaryLine
from shopsmart.catalog.money import Money
from shopsmart.payments.cards import read_card

ANOTHER = "new"
_PRICE = forms.DecimalField(max_digits=10, decimal_places=2, min_value=0)


class CardInput(forms.PasswordInput):
    """Shows what is typed, and like a password never what was: a card's digits are not sent back."""

    input_type = "text"

    def __init__(self, autocomplete: str, **attrs: str) -> None:
        super().__init__({"autocomplete": autocomplete, "inputmode": "numeric", **attrs})


class CheckoutForm(forms.Form):
    """Where to, and the card. `key` makes one order of a form that is sent twice."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    seen_total = forms.DecimalField(max_digits=10, decimal_places=2, widget=forms.HiddenInput)
    address = forms.TypedChoiceField(
        label="Send it to",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose where to send it.",
            "invalid_choice": "This address is no longer in your book. Choose another.",
        },
    )
    number = forms.CharField(
        label="Card number", max_length=40, widget=CardInput("cc-number", spellcheck="false")
    )
    expiry = forms.CharField(
        label="Expires",
        max_length=10,
        help_text="Month/year, as in 04/29",
        widget=forms.TextInput(attrs={"autocomplete": "cc-exp", "inputmode": "text"}),
    )
    cvc = forms.CharField(
        label="Security code",
        max_length=10,
        help_text="3 or 4 digits on the card",
        widget=CardInput("cc-csc"),
    )

    def __init__(self, *args: Any, book: Sequence[Address], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        by_pk = {str(address.pk): address for address in book}
        self.fields["address"].choices = [
            *((pk, str(address)) for pk, address in by_pk.items()),
            (ANOTHER, "Another address"),
        ]
        self.fields["address"].coerce = by_pk.get
        if self.initial.get("address") not in by_pk:
            self.initial["address"] = next(iter(by_pk), ANOTHER)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "key" in self.errors or "seen_total" in self.errors:
            self.add_error(None, "The form did not come whole. Look again, and send it once more.")
        if {"number", "expiry", "cvc"} <= cleaned.keys():
            try:
                cleaned["card"] = read_card(
                    number=cleaned["number"], expiry=cleaned["expiry"], cvc=cleaned["cvc"]
                )
            except ValidationError as error:
                self.add_error(None, error)
        return cleaned

    def seen_price(self, line: SummaryLine) -> Money | None:
        """What a line cost each when the form was sent, where that is not what it costs now."""
        try:
            seen = _PRICE.clean(self.data.get(f"seen-{line.variant.sku}"))
        except ValidationError:
            return None
        shown = Money(seen, line.unit_price.currency)
        return shown if shown != line.unit_price else None

    @property
    def wants_another(self) -> bool:
        """Whether an address is typed rather than chosen."""
        return self["address"].value() == ANOTHER


class NewAddressForm(AddressForm):
    """The address that is typed at the checkout; the browser demands none where one is chosen."""

    use_required_attribute = False
