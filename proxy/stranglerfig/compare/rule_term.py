"""Who answers for a rule, and until when: an excuse that nobody owns and nothing ends outlives its reason.

An expired rule covers nothing any more. `ignored` in the account says that somebody vouches for the difference; from the
day after, nobody does, and it counts as `different` like any other. To let the rule go on and merely complain would
leave the numbers as good as before, and those are what a stage is changed by. No user notices either way.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, field_validator

from stranglerfig.config.mistake import mistake
from stranglerfig.config.written import Written

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def today() -> date:
    """The day by which rules expire: the same on every machine."""
    return datetime.now(UTC).date()


def _read_day(value: Any) -> Any:
    if value is None or isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise mistake(f"{value!r} is not a day", "write it as 2027-03-01")


class Vouched(Written):
    """What somebody stands for until a day."""

    owner: str | None = Field(None, description="who answers for it: a person or a team")
    expires: Annotated[date | None, BeforeValidator(_read_day)] = Field(
        None, description="the last day (UTC) on which it holds"
    )

    @field_validator("owner")
    @classmethod
    def _check_owner(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise mistake("the owner is empty", "say who answers for it: a person or a team")
        return value

    def holds_on(self, day: date) -> bool:
        """Whether it has not expired by ``day``."""
        return self.expires is None or day <= self.expires

    def check_owner_and_expiry(self, *, needs_expiry: bool) -> None:
        """Raise for what lacks who answers for it, or until when."""
        missing = [
            key
            for key, value in (("owner", self.owner), ("expires", self.expires))
            if value is None and (needs_expiry or key != "expires")
        ]
        if missing:
            lines = {"owner": "owner: WHO", "expires": "expires: YYYY-MM-DD"}
            raise mistake(
                f"the rule does not say {' and '.join(_SAYS[key] for key in missing)}",
                f"add {' and '.join(f'`{lines[key]}`' for key in missing)};"
                " an exception is looked at again, by somebody",
            )


_SAYS: Final = {"owner": "who answers for it", "expires": "until when it holds"}
