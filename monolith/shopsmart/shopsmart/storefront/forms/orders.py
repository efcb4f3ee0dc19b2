"""What is asked about orders: why they are cancelled, and what is sent back."""

from collections.abc import Mapping
from typing import Any

from django import forms

from shopsmart.orders.models import OrderLine

LONGEST_NOTE = 200


class CancelForm(forms.Form):
    """Why an order is cancelled."""

    reason = forms.CharField(
        label="Why, if you like to tell us", required=False, max_length=LONGEST_NOTE
    )


class ReturnForm(forms.Form):
    """So many of each line, and why. Its fields are named after the lines' ids."""

    reason = forms.CharField(
        label="What is the matter with it?",
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, left: Mapping[OrderLine, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines = {f"line-{line.pk}": line for line, pieces in left.items() if pieces}
        for name, line in self._lines.items():
            self.fields[name] = forms.TypedChoiceField(
                label=str(line.product_name),
                coerce=int,
                empty_value=0,
                required=False,
                choices=[("", "none")] + [(str(n), str(n)) for n in range(1, left[line] + 1)],
            )

    @property
    def chosen(self) -> dict[OrderLine, int]:
        """How many of which lines come back."""
        pieces = {line: self.cleaned_data[name] for name, line in self._lines.items()}
        return {line: count for line, count in pieces.items() if count}

    @property
    def by_line(self) -> list[tuple[OrderLine, forms.BoundField]]:
        """Each line with the field that asks for its pieces."""
        return [(line, self[name]) for name, line in self._lines.items()]

    def add_error(self, field: str | None, error: Any) -> None:
        """Also takes errors about `lines`, which stand above all of them."""
        if hasattr(error, "error_dict") and "lines" in error.error_dict:
            error = error.error_dict["lines"]
            field = None
        super().add_error(field, error)


class FindForm(forms.Form):
    """An order's number, as somebody types it."""

    number = forms.CharField(max_length=40)


class NoteForm(forms.Form):
    """A word about a step of an order, such as the parcel's number; the shopper reads it."""

    note = forms.CharField(
        label="Parcel number or another note, for the shopper to read",
        required=False,
        max_length=LONGEST_NOTE,
    )


class RefusalForm(forms.Form):
    """Why a return is refused; the shopper reads it."""

    note = forms.CharField(label="Why, for the shopper to read", max_length=LONGEST_NOTE)
