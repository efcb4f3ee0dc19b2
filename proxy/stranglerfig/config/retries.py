"""The model of `retries`: what an upstream is asked again after, and how often."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StrictInt, field_validator

from stranglerfig.config.mistake import mistake
from stranglerfig.config.written import Written

MOST_ATTEMPTS: Final = 5


class When(StrEnum):
    """What may be followed by another attempt."""

    CONNECT = "connect"  # no connection came about, so nothing was sent: any request
    EARLY_CLOSE = (
        "early_close"  # it closed before a byte of an answer: requests that may arrive twice
    )


def _read_when(value: Any) -> Any:
    if isinstance(value, list | tuple) and not value:
        raise mistake(
            "the list is empty", "name connect or early_close; for none write attempts: 0"
        )
    if isinstance(value, list | tuple) and len({str(item) for item in value}) < len(value):
        raise mistake("something is named twice", "name each once")
    return value


class Retries(Written):
    """When and how often a request is sent to its upstream again."""

    attempts: StrictInt = Field(
        default=1,
        ge=0,
        le=MOST_ATTEMPTS,
        description="further attempts of one request at most; 0: none",
    )
    when: Annotated[tuple[When, ...], BeforeValidator(_read_when)] = Field(
        default=(When.CONNECT,),
        description="after what: connect (no connection came about), early_close (it closed before a byte of an answer)",
    )

    @field_validator("when")
    @classmethod
    def _sort(cls, value: tuple[When, ...]) -> tuple[When, ...]:
        return tuple(sorted(value))

    def covers(self, when: When) -> bool:
        """Whether a request may be sent again after ``when``."""
        return self.attempts > 0 and when in self.when
