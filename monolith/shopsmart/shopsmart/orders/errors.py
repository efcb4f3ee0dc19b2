"""What orders refuse, beside the ValidationErrors that name a field."""

from shopsmart.catalog.money import Money


class WrongState(Exception):  # noqa: N818 - says what is the matter
    """The order (or the return) has gone too far, or not far enough, for what is asked."""


class TotalChanged(Exception):  # noqa: N818
    """The cart costs something else than the shopper was shown; nothing was bought. `total` is the new one."""

    def __init__(self, total: Money) -> None:
        super().__init__(f"The total is {total} now. Look again before you buy.")
        self.total = total
