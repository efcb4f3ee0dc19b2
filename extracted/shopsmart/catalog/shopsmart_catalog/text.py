"""Text as the shop searches and sorts it. The folded columns come with the rows; here only what is typed is folded."""

import unicodedata
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


def fold(text: str) -> str:
    """`text` without case, accents and compatibility forms, with single spaces.

    Must stay what the shop does when it writes `name_key` and `search_text`; the parity cases with accents and
    ligatures tell when it does not.
    """
    parts = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return " ".join(plain.casefold().split())


class BytewiseCharField(models.CharField):
    """Sorts and compares by code point on every database, as the shop's columns do: order is part of the answer."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        collation = "C" if connection.vendor == "postgresql" else "BINARY"
        return super().db_parameters(connection) | {"collation": collation}
