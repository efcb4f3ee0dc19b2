"""How a validator says what is wrong and how to mend it: one error type that the loader prints with its line."""

from typing import Any

from pydantic_core import PydanticCustomError


def mistake(message: str, mend: str, at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Make the error a validator raises: what is wrong, how to mend it, and where below the value (``at``)."""
    context: dict[str, Any] = {"message": message, "mend": mend, "at": at}
    return PydanticCustomError("mistake", "{message}", context)
