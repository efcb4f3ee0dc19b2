"""What the models of fig.yaml share: strict and frozen, with short forms taken apart before validation.

What a model is dumped to is again what may be written in the file, so the supervisor sends it to the workers as JSON
and they read it by the same rules. An alias in parentheses is a value that a model takes out of a short form
(``monolith: http://127.0.0.1:8100``) or out of the key above it; no user writes it.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from stranglerfig.config.mistake import mistake

# Names become labels of metrics, words of Fig-Force and keys of hashes: short, ASCII, no separators.
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}", re.ASCII)

# What people look for in such a file and this version does not do, in every spelling that is common.
NOT_BUILT: Final[Mapping[str, str]] = {
    "dashboard": "a dashboard",
    "live_data": "live data",
    "rollout": "a gated rollout",
    "session_cookie": "identity",
    "extra_load": "a limit of re-asks",
}


class Written(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    not_built: ClassVar[Mapping[str, str]] = {}
    """Keys that are known and not built, lower case with underscores: key -> what it would do."""
    short_keys: ClassVar[tuple[str, ...]] = ()
    """Keys that are written and become other fields."""

    def has_default(self, name: str) -> bool:
        """Whether the field ``name`` is as it would be if nobody had written it."""
        default: Any = type(self).model_fields[name].get_default(call_default_factory=True)
        return bool(getattr(self, name) == default)


class Wrong:
    """A part of a short form that could not be read: carries its error to the field's own validator."""

    def __init__(self, error: PydanticCustomError) -> None:
        self.error = error


def raise_wrong(value: Any) -> Any:
    if isinstance(value, Wrong):
        raise value.error
    return value


class Named:
    """A value of a mapping together with its key."""

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value


def bad_name(name: Any) -> PydanticCustomError:
    return mistake(
        f"{name!r} is not a name",
        "use a letter, then letters, digits, - and _, at most 63 characters",
    )


def _check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise bad_name(name)
    if name == "none":
        raise mistake("the name none is taken: it means no upstream", "choose another name")
    return name


def with_names(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: item if isinstance(item, BaseModel) else Named(str(key), item)
            for key, item in value.items()
        }
    return value


Name = Annotated[str, AfterValidator(_check_name)]
"""The name of an upstream or a capability."""


def _read_only_none(value: Any) -> Any:
    if value != "none":
        raise mistake(f"not built yet: {value!r}", "write none, or remove the key")
    return value


OnlyNone = Annotated[Literal["none"], BeforeValidator(_read_only_none)]
"""A choice of the format of which this version has but one."""
