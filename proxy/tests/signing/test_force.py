"""Fig-Force: who goes where, read in one way or not at all."""

import pytest

from stranglerfig.signing.force import read_force, write_force


def test_sides_are_written_and_read_alike() -> None:
    payload = write_force({"catalog": "service", "payments": "monolith"})
    assert payload == "catalog=service,payments=monolith"
    assert read_force(payload) == {"catalog": "service", "payments": "monolith"}
    assert read_force(" a=service , b=monolith ") == {"a": "service", "b": "monolith"}


@pytest.mark.parametrize(
    "payload",
    ["", ",", "catalog", "catalog=", "=service", "catalog=Service", "catalog=both", "a=service,", "a=service;b=service",
     "a=service,a=monolith", "a=service,a=service", "a b=service", "1a=service", "é=service", "a=service,b"],
)  # fmt: skip
def test_what_is_not_understood_whole_says_nothing(payload: str) -> None:
    assert read_force(payload) is None
