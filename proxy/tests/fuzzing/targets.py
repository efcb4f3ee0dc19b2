"""What is fuzzed: by name, a function that raises for bytes by which something that must hold does not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from request_streams import cut

from fuzzing import seeds
from fuzzing.fig_yaml import check_config
from fuzzing.one_answer import Asked, check_answer
from fuzzing.one_request import check_requests
from fuzzing.parts_of_heads import check_cookies, check_forwarded, check_signed, check_target

_MAX_CUTS: Final = 8


@dataclass(frozen=True)
class Target:
    """``share`` is its part of the whole time."""

    check: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    share: float
    max_bytes: int


def pieces_of(data: bytes) -> list[bytes]:
    """The first byte says how many cuts there are, two bytes each say where; the rest is what is cut."""
    if not data:
        return []
    end = 1 + 2 * (data[0] % (_MAX_CUTS + 1))
    places = [int.from_bytes(data[at : at + 2], "big") for at in range(1, end, 2)]
    return [piece for piece in cut(data[end:], places) if piece]


def requests(data: bytes) -> None:
    """Cuts, and a client's stream."""
    check_requests(pieces_of(data))


def answers(data: bytes) -> None:
    """A byte that says what was asked, cuts, and an upstream's stream."""
    bits = data[0] if data else 0
    check_answer(pieces_of(data[1:]), Asked(bool(bits & 1), bool(bits & 2), bool(bits & 4)))


TARGETS: Final = {
    "requests": Target(requests, seeds.client_streams, 0.35, 2048),
    "answers": Target(answers, seeds.upstream_streams, 0.25, 2048),
    "target": Target(check_target, seeds.targets, 0.06, 256),
    "cookies": Target(check_cookies, seeds.cookies, 0.06, 256),
    "forwarded": Target(check_forwarded, seeds.forwarded, 0.08, 512),
    "signed": Target(check_signed, seeds.signed, 0.08, 512),
    "config": Target(check_config, seeds.configs, 0.12, 4096),
}
