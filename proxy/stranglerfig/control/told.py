"""What a monolith says of one capability: who owns its data, and how far the services that read its changes are behind.

The answer of ``/_chassis/ownership/<capability>``, as far as it is looked at; whatever else it holds is passed over.
"""

from typing import Annotated, Final

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from stranglerfig.signing.wrote import KEPT_S

STOPPED_AFTER_S: Final = 10.0
"""A reader that has not asked for so long is taken to have stopped: it asks several times a second."""
REPLACED_AFTER_S: Final = 24 * 3600.0
"""A reader that has not asked for so long, while another has, is one that was replaced."""
_OWNER: Final = "monolith"

_Age = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# It is printed on terminals.
_Name = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Reader(BaseModel):
    """A service that reads the changes of a capability."""

    caller: _Name
    lag_s: _Age | None
    """None: its place in the changes is gone, so that it must copy everything again."""
    asked_s_ago: _Age


class Ownership(BaseModel):
    """What ``/_chassis/ownership/<capability>`` answers, as far as it is looked at."""

    capability: str
    owner: _Name
    captured: bool
    readers: list[Reader]

    @property
    def furthest_behind(self) -> Reader | None:
        """The reader that counts: whose answers may lack the most; None if there is none."""
        if self.owner != _OWNER or not self.captured:
            return None
        asking = [each for each in self.readers if each.asked_s_ago <= REPLACED_AFTER_S]
        return max(
            asking or self.readers,
            key=lambda each: (each.lag_s is None, each.lag_s, each.asked_s_ago),
            default=None,
        )

    @property
    def is_lost(self) -> bool:
        """Whether what is written may never arrive: nobody captures it, or who reads has lost its place."""
        if self.owner != _OWNER:
            return False
        reader = self.furthest_behind
        return not self.captured or (reader is not None and reader.lag_s is None)

    @property
    def at_most_s(self) -> float | None:
        """How far the service may be behind, as far as that makes a difference to anybody; None if that is not known."""
        if self.is_lost:
            return float(KEPT_S)
        reader = self.furthest_behind
        return None if reader is None or reader.lag_s is None else min(reader.lag_s, float(KEPT_S))


class NonsenseError(Exception):
    """The answer is none that this contract has."""


def read_ownership(capability: str, body: bytes) -> Ownership:
    """What an answer about ``capability`` says. Raises ``NonsenseError``."""
    try:
        ownership = Ownership.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise NonsenseError(f"{place}: {first['msg']}"[:200]) from None
    if ownership.capability != capability:
        raise NonsenseError("it is about another capability")
    return ownership


def doubt(ownership: Ownership) -> str | None:
    """Why a good answer tells no lag, or none to rely on."""
    if ownership.owner != _OWNER:
        return None
    if not ownership.captured:
        return "does not capture its changes; run manage.py capture there"
    reader = ownership.furthest_behind
    if reader is None:
        return "has no reader of its changes; run manage.py consume in the service"
    if reader.lag_s is None:
        return f"no longer has the place where {reader.caller} read on, which must copy again; see manage.py consume in the service"
    if reader.asked_s_ago > STOPPED_AFTER_S:
        return f"is no longer asked for changes by {reader.caller}; see manage.py consume in the service"
    return None
