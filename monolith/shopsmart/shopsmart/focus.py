"""Where the reader's attention goes on a page that refuses a form."""

from typing import Any

from django import forms
from django.forms.renderers import DjangoTemplates


class FocusedField(forms.BoundField):
    """A field that takes the focus when it is the first that was refused.

    The browser scrolls there, and a screen reader speaks the field with its error: no script needed.
    """

    def build_widget_attrs(self, attrs: dict[str, Any], widget: Any = None) -> dict[str, Any]:
        built = super().build_widget_attrs(attrs, widget)
        if self.name == next(filter(self.form.errors.__contains__, self.form.fields), None):
            built["autofocus"] = True
        return built


class Renderer(DjangoTemplates):
    """Django's own, for every form of the shop."""

    bound_field_class = FocusedField
