"""A page that differs from itself: what is chance is told from what differs besides, at its very place."""

import pytest

from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.path import template
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.whole import Sameness, compare_whole, without_noise


def page(body: str) -> RecordedResponse:
    return RecordedResponse(200, ((b"Content-Type", b"text/html"),), body.encode())


def told(control: str, again: str, candidate: str) -> tuple[str, list[str]]:
    answers = page(control), page(again), page(candidate)
    compared = compare_whole(answers[0], answers[2], Context())
    compared = without_noise(compared, answers, Context())
    places = [template(each.steps) for each in compared.found]
    return compared.sameness.value, places if compared.sameness is Sameness.DIFFERENT else []


@pytest.mark.parametrize(
    ("control", "again", "candidate"),
    [
        ("<p>seen 1 times</p><h1>Lamps", "<p>seen 2 times</p><h1>Lamps", "<p>seen 3 times</p><h1>Lamps"),
        ("<p id=x data-n=1>a", "<p id=x data-n=2>a", "<p id=x data-n=3>a"),
        ("<script>var t = 'a1'</script>", "<script>var t = 'b2'</script>", "<script>var t = 'c3'</script>"),
        ("<div><p>a</p><em>ad</em></div>", "<div><p>a</p></div>", "<div><p>a</p></div>"),
        ("<div><p>a</p></div>", "<div><p>a</p><em>ad</em></div>", "<div><p>a</p><em>ad</em></div>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>b<li>a</ul>", "<ul><li>b<li>a</ul>"),
        ("<form><input name=t value=1>", "<form><input name=t value=2>", "<form><input name=t value=3>"),
        ('<script type="application/json">{"t": 1}</script>', '<script type="application/json">{"t": 2}</script>', '<script type="application/json">{"t": 3}</script>'),
    ],
)  # fmt: skip
def test_what_the_control_does_too_is_unsteady(control: str, again: str, candidate: str) -> None:
    assert told(control, again, candidate) == ("unsteady", [])


@pytest.mark.parametrize(
    ("control", "again", "candidate", "places"),
    [
        ("<p>seen 1 times</p><h1>Lamps", "<p>seen 2 times</p><h1>Lamps", "<p>seen 3 times</p><h1>Lamp", ["$.body.h1.#text"]),
        ("<p>seen 1 times", "<p>seen 2 times", "<p>seen 3 often", ["$.body.p.#text"]),
        ("<p>seen 1 times", "<p>seen 2 times", "<p>", ["$.body.p.#text"]),
        ("<p data-n=1>a", "<p data-n=2>a", "<p>a", ["$.body.p.@data-n"]),
        ("<p>a</p>", "<p>a</p><em>ad</em>", "<p>a</p><em>other</em>", ["$.body.em"]),
        ("<p>a</p><em>ad</em>", "<p>a</p>", "<em>ad</em>", ["$.body.p"]),
        ("<form><input name=t value=1>", "<form><input name=t value=2>", "<form>", ["$.body.form.fields.t"]),
    ],
)  # fmt: skip
def test_what_differs_besides_is_different(
    control: str, again: str, candidate: str, places: list[str]
) -> None:
    assert told(control, again, candidate) == ("different", places)
