"""The pairs that are measured are what they are called."""

from collections import Counter

import pytest
from benchmarks.comparison import SIZES, pairs_of
from mutants.answer import Recorded

from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import Rules
from stranglerfig.compare.verdict import judge

PAGE = b"<!doctype html><main>\n<h2>Lamps</h2><p>one</p></main>"


def recorded(media_type: bytes, body: bytes) -> Recorded:
    headers = ((b"Content-Type", media_type),)
    return Recorded("GET /", RecordedResponse(200, headers, body))


@pytest.mark.parametrize("body", [b'{"b": [{"name": "x"}], "a": 110}', b'[1, {"a": "x", "b": []}]'])
def test_each_pair_has_its_verdict_and_a_body_of_its_own(body: bytes) -> None:
    pairs = pairs_of([recorded(b"application/json", body), recorded(b"text/html", PAGE)])
    rules = Rules().for_route("c", "GET /")
    for pair in pairs:
        judged = judge(
            pair.control, pair.candidate, context=Context(), rules=rules, shaper=Shaper(b"k")
        )
        assert judged.verdict is pair.verdict, pair.what
        assert (pair.control.body == pair.candidate.body) == (pair.what == "same bytes")
    counted = Counter(pair.kind for pair in pairs)
    assert counted == {"json": 3 * len(SIZES), "html": 3}
