"""Text as it is searched and sorted: the same on every database.

SQLite folds the case of ASCII letters only, PostgreSQL of what its locale knows, and neither drops
accents. So the folding happens here, once, when a row is written; the databases compare bytes.
"""

import unicodedata
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


def fold(text: str) -> str:
    """`text` without case, accents, compatibility forms and runs of white space.

    "Crème  BRÛLÉE" and "creme brulee" are the same; so are "Straße" and "strasse".
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    without_marks = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(without_marks.casefold().split())


class CodePointCharField(models.CharField):
    """A CharField whose column sorts and compares by code point, whatever the database's locale.

    SQLite calls that collation BINARY and PostgreSQL calls it C; `db_collation` takes one name for
    both. Pinned in the column, it holds for ORDER BY, for indexes and for raw SQL alike, and two
    databases of the same rows list them in the same order.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        parameters["collation"] = "C" if connection.vendor == "postgresql" else "BINARY"
        return parameters
