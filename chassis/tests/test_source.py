"""Reading a source that fails: asked again where that may help, told clearly where not."""

import pytest
from django.core.management import CommandError, call_command

from chassis.environment import Secret
from chassis.ownership.source.channel import RETRY_DELAYS_S, Channel, SourceError
from chassis.ownership.source.rows import Source, SourcePage
from tests.answering_server import Answer, answering, die_in_the_body, hang_up, page, status
from tests.conftest import CREDENTIAL

PROBLEM = '{"detail": "Say please."}'


def read(url: str, slept: list[float], said: list[str]) -> SourcePage:
    channel = Channel(url, "lending", Secret(CREDENTIAL), on_retry=said.append, sleep=slept.append)
    return Source(channel).page("library_shelf", None, 10)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (status(500), "it answers 500"),
        (status(502), "it answers 502"),
        (status(503), "it answers 503"),
        (status(429), "it answers 429"),
        (hang_up, "ConnectionError"),
        (die_in_the_body, "ChunkedEncodingError"),
    ],
)
def test_passing_failure_is_asked_again(broken: Answer, words: str) -> None:
    slept: list[float] = []
    said: list[str] = []
    with answering([broken, broken, page(rows=[[1, None, "A", True]])]) as (url, asked):
        rows = read(url, slept, said).rows
    assert rows == [{"id": 1, "above_id": None, "name": "A", "closed": True}]
    assert asked == ["/_chassis/rows/lending?table=library_shelf&limit=10"] * 3
    assert slept == [0.5, 1.0]
    assert words in said[0]
    assert "asking again in 0.5 s" in said[0]
    assert not any(CREDENTIAL in line for line in said)


def test_lasting_failure_ends_with_what_to_do() -> None:
    slept: list[float] = []
    with (
        answering([status(503)] * 8) as (url, asked),
        pytest.raises(SourceError, match="after 8 attempts: it answers 503"),
    ):
        read(url, slept, [])
    assert (len(asked), tuple(slept)) == (8, RETRY_DELAYS_S)


def test_nobody_there_is_a_connection_error() -> None:
    with answering([]) as (url, _):
        pass
    with pytest.raises(SourceError, match="can't be read after 8 attempts: ConnectionError"):
        read(url, [], [])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (status(404, PROBLEM, Content_Type="application/problem+json"), "answers 404: Say please."),
        (status(401), "answers 401 (this service's credential is CHASSIS_CREDENTIAL)"),
        (status(302, Location="https://shop/"), "to https://shop/: give the address that answers"),
        (status(200, "<html>"), "does not answer as a source"),
        (status(200, "[]"), "does not answer as a source"),
        (status(200, "{}"), "does not answer as a source"),
        (page(table="other"), "rows of other instead of library_shelf"),
        (page(rows=[[1]]), "does not answer as a source"),
        (page(columns=[{"name": "id", "kind": "money"}]), "does not answer as a source"),
        (page(rows=[], next=3), "names a next key that is not its last row's"),
        (page(rows=[[1, None, "A", True]], next=3), "names a next key that is not its last row's"),
    ],
)
def test_wrong_answer_is_told_at_once(answer: Answer, words: str) -> None:
    slept: list[float] = []
    with answering([answer]) as (url, _), pytest.raises(SourceError) as caught:
        read(url, slept, [])
    assert words in str(caught.value)
    assert slept == []


def test_source_that_stands_still_is_refused() -> None:
    still = page(rows=[[3, None, "A", True]], next=3)
    with (
        answering([still]) as (url, _),
        pytest.raises(SourceError, match="does not get past the key 3"),
    ):
        Source(Channel(url, "lending", Secret(CREDENTIAL))).page("library_shelf", 3, 10)


def test_many_keys_are_asked_for_in_requests_of_bounded_length() -> None:
    with answering([page()] * 10) as (url, asked):
        source = Source(Channel(url, "lending", Secret(CREDENTIAL)))
        list(source.rows("library_shelf", range(120)))
        list(source.rows("library_shelf", ["ä/&" * 100, "é" * 400, "x"]))
    assert [target.count("key=") for target in asked] == [50, 50, 20, 1, 2]
    assert max(map(len, asked)) < 4094


def test_netrc_entry_does_not_replace_the_credential(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[str | None] = []

    def answer(handler: object) -> None:
        seen.append(handler.headers["Authorization"])  # type: ignore[attr-defined]
        page()(handler)  # type: ignore[arg-type]

    with answering([answer]) as (url, _):
        read(url, [], [])
    assert seen == [f"Bearer {CREDENTIAL}"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [[1, None, "A", "yes"]],
            "closed of reading_room.Shelf: a boolean is written as bool, not str",
        ),
        ([[1, None, None, True]], "name of reading_room.Shelf: null is not allowed here"),
        (
            [[1, None, "x" * 41, True]],
            "name of reading_room.Shelf: Ensure this value has at most 40",
        ),
        ([[1, None, "A", True], [1, None, "B", True]], "the source sent a key twice"),
    ],
)
def test_rows_that_do_not_fit_stop_the_walk(
    monkeypatch: pytest.MonkeyPatch, rows: object, words: str
) -> None:
    monkeypatch.setenv("CHASSIS_CREDENTIAL", CREDENTIAL)
    answers = [status(404), page(rows=rows)]  # no feed, then the rows
    with answering(answers) as (url, _), pytest.raises(CommandError) as caught:
        call_command("backfill", "lending", "--source", url, "--table", "library_shelf")
    assert words in str(caught.value)
