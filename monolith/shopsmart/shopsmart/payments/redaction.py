"""Keeps cards off Django's error pages and reports, where local variables and what was sent are shown."""

import re
from collections.abc import Iterable
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from shopsmart.payments.cards import passes_luhn

_DIGITS = re.compile(r"(?:[0-9][ -]?){12,19}")
# Whatever speaks of a card's code: forms, serializers and what they were given.
_NAMES = re.compile(r"\bcvc\b", re.IGNORECASE)


class CardFilter(SafeExceptionReporterFilter):
    """Hides variables that hold a card's digits or speak of its code, besides what is marked as sensitive.

    With DEBUG too: a page that shows a card is a page that shows a card.
    """

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> Iterable[tuple[str, Any]]:
        return [
            (name, self.cleansed_substitute if _tells_of_a_card(value) else value)
            for name, value in super().get_traceback_frame_variables(request, tb_frame)
        ]


def _tells_of_a_card(value: object) -> bool:
    try:
        text = repr(value)
    except Exception:
        return False  # it can't be shown either
    if _NAMES.search(text):
        return True
    runs = (re.sub("[ -]", "", found.group()) for found in _DIGITS.finditer(text))
    return any(passes_luhn(run) for run in runs)
