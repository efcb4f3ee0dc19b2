"""`/_chassis/rows/`: pages in key order, for those who may."""

import json
import logging
import uuid
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import ADDED, CREDENTIAL, make_book, make_shelf
from tests.library.models import Author, Book, Everything, Shelf

# Real transactions: on PostgreSQL a reading refuses to be part of one that was begun outside.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader() -> Client:
    return Client(headers={"Authorization": f"Bearer {CREDENTIAL}"})


def page(reader: Client, query: str) -> dict[str, Any]:
    answer = reader.get(f"/_chassis/rows/lending?{query}")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_pages_follow_the_key_and_hold_hidden_rows(reader: Client) -> None:
    for number in (9, 1, 5, 7, 3):
        make_shelf(number, closed=number == 5)
    first = page(reader, "table=library_shelf&limit=2&count=1")
    assert type(first.pop("position")) is int
    assert str(uuid.UUID(first["incarnation"])) == first.pop("incarnation")
    assert first == {
        "capability": "lending",
        "table": "library_shelf",
        "key": "id",
        "columns": [
            {"name": "id", "kind": "integer"},
            {"name": "above_id", "kind": "integer"},
            {"name": "name", "kind": "text"},
            {"name": "closed", "kind": "boolean"},
        ],
        "rows": [[1, None, "Shelf 1", False], [3, None, "Shelf 3", False]],
        "next": 3,
        "total": 5,
    }
    second = page(reader, "table=library_shelf&limit=2&after=3")
    assert [row[0] for row in second["rows"]] == [5, 7]
    assert "total" not in second
    last = page(reader, "table=library_shelf&limit=2&after=7")
    assert ([row[0] for row in last["rows"]], last["next"]) == ([9], None)


def test_a_page_that_ends_with_the_last_row_is_the_last(reader: Client) -> None:
    make_shelf(1)
    make_shelf(2)
    assert page(reader, "table=library_shelf&limit=2")["next"] is None
    assert page(reader, "table=library_shelf&after=2")["rows"] == []


def test_columns_behind_foreign_keys_never_hide_a_row(reader: Client) -> None:
    shelf = make_shelf(1)
    known = Author.objects.create(name="Åsa")
    make_book("a", shelf, author=known)
    make_book("b", shelf)
    make_book("c", shelf, author_id="00000000-0000-0000-0000-000000000009")  # points nowhere
    rows = page(reader, "table=library_book")["rows"]
    assert [(row[0], row[3], row[4]) for row in rows] == [
        ("a", "Åsa", None),
        ("b", None, None),
        ("c", None, None),
    ]
    assert rows[0][5:7] == ["12.50", "2025-03-30T00:59:59.123456Z"]


def test_text_keys_page_by_their_bytes(reader: Client) -> None:
    shelf = make_shelf(1)
    keys = ["Z", "a", "ä", "b", "😀", "A", "_", "-1", "é"]
    for key in keys:
        make_book(key, shelf)
    seen: list[str] = []
    query = "table=library_book&limit=2"
    while True:
        body = page(reader, query)
        seen += [row[0] for row in body["rows"]]
        if body["next"] is None:
            break
        query = f"table=library_book&limit=2&after={quote(body['next'])}"
    assert seen == sorted(keys, key=str.encode)


def test_single_rows_and_keys_alone(reader: Client) -> None:
    for number in range(1, 6):
        make_shelf(number)
    body = page(reader, "table=library_shelf&key=4&key=2&key=99")
    assert [row[0] for row in body["rows"]] == [2, 4]
    body = page(reader, "table=library_shelf&only=key&limit=3")
    assert (body["rows"], body["next"]) == ([[1], [2], [3]], 3)
    assert body["columns"] == [{"name": "id", "kind": "integer"}]


def test_integer_keys_to_their_ends(reader: Client) -> None:
    for number in (-(2**63), 2**63 - 1):
        make_shelf(number)
        body = page(reader, f"table=library_shelf&key={number}")
        assert [row[0] for row in body["rows"]] == [number]
    assert page(reader, f"table=library_shelf&after={-(2**63)}")["rows"][0][0] == 2**63 - 1


def test_limit_is_capped(reader: Client) -> None:
    Shelf.everything.bulk_create(Shelf(id=n, name=str(n)) for n in range(1, 1202))
    assert len(page(reader, "table=library_shelf&limit=999999999")["rows"]) == 1000
    assert len(page(reader, "table=library_shelf")["rows"]) == 500
    assert len(page(reader, "table=library_shelf&limit=999999999&only=key")["rows"]) == 1201


def test_queries_do_not_grow_with_the_rows(reader: Client) -> None:
    shelf = make_shelf(1)
    with CaptureQueriesContext(connection) as of_none:
        page(reader, "table=library_book&limit=10")
    author = Author.objects.create(name="Åsa")
    for number in range(20):
        make_book(f"{number:02}", shelf, author=author)
    with CaptureQueriesContext(connection) as of_ten:
        assert len(page(reader, "table=library_book&limit=10")["rows"]) == 10
    assert len(of_ten) == len(of_none)
    # PostgreSQL's lock on the table names it, too.
    assert sum('FROM "library_book"' in query["sql"] for query in of_ten) == 1


def test_every_kind_of_column_travels(settings: Any, reader: Client) -> None:
    settings.CHASSIS = settings.CHASSIS | {
        "OWNERSHIP": {"lending": {"tables": [{"model": "library.Everything"}]}}
    }
    Everything.objects.create(
        id=1, moment=ADDED, blob=b"\x00\xff", document={"a": [1]}, money="1.5", yes=True, text="ä"
    )
    body = page(reader, "table=library_everything")
    row = dict(zip([c["name"] for c in body["columns"]], body["rows"][0], strict=True))
    assert row["moment"] == "2025-03-30T00:59:59.123456Z"
    assert (row["blob"], row["document"], row["money"]) == ("AP8=", {"a": [1]}, "1.500000")
    assert (row["yes"], row["text"], row["small"]) == (True, "ä", None)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "table is missing; lending has library_shelf, library_author, library_book"),
        ("table=library_shelf&limit=0", "limit must be a whole number from 1"),
        ("table=library_shelf&limit=-1", "limit must be"),
        ("table=library_shelf&limit=1e3", "limit must be"),
        ("table=library_shelf&limit=²", "limit must be"),
        ("table=library_shelf&limit=" + "9" * 5000, "limit must be"),
        ("table=library_shelf&after=x", "after is no key of library_shelf: its keys are integer"),
        ("table=library_shelf&after=", "after is no key"),
        ("table=library_shelf&after=9223372036854775808", "after is no key"),
        ("table=library_shelf&after=-9223372036854775809", "after is no key"),
        ("table=library_shelf&after=" + "9" * 5000, "after is no key"),
        ("table=library_shelf&after=1_0", "after is no key"),
        ("table=library_author&after=1", "its keys are uuid"),
        ("table=library_book&after=%00", "after is no key"),
        ("table=library_shelf&after=1&after=2", "after is given more than once"),
        ("table=library_shelf&ater=1", "unknown parameter 'ater'"),
        ("table=library_shelf&key=1&after=1", "key and after exclude each other"),
        ("table=library_shelf" + "&key=1" * 101, "at most 100 keys"),
        ("table=library_shelf&only=name", "only is one of: key"),
        ("table=library_shelf&count=yes", "count is one of: 0, 1"),
    ],
)
def test_bad_parameters_are_a_problem(reader: Client, query: str, words: str) -> None:
    answer = reader.get(f"/_chassis/rows/lending?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert (body["status"], body["title"], body["code"]) == (
        400,
        "Bad Request",
        "parameter_invalid",
    )
    assert words in body["detail"]


def test_unknown_table_and_capability_are_not_found(settings: Any, reader: Client) -> None:
    answer = reader.get("/_chassis/rows/lending?table=auth_user")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (404, "table_unknown")
    callers = {"reading-room": {"credential": CREDENTIAL, "capabilities": ["lending", "sales"]}}
    settings.CHASSIS = settings.CHASSIS | {"CALLERS": callers}
    answer = reader.get("/_chassis/rows/sales?table=x")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (404, "capability_unknown")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {CREDENTIAL}",
        CREDENTIAL,
        f"Bearer {CREDENTIAL}x",
        f"Bearer {CREDENTIAL[:-1]}",
        "Bearer \udcff",
    ],
)
def test_without_a_known_credential_nothing_is_told(
    client: Client, authorization: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {} if authorization is None else {"Authorization": authorization}
    for capability in ("lending", "no-such"):
        answer = client.get(f"/_chassis/rows/{capability}?table=library_book", headers=headers)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert json.loads(answer.content)["code"] == "credential_unknown"
    assert CREDENTIAL[:-1] not in caplog.text


def test_a_caller_without_the_right_is_forbidden(client: Client) -> None:
    headers = {"Authorization": "Bearer another-credential-for-tests"}
    answer = client.get("/_chassis/rows/lending?table=library_book", headers=headers)
    assert answer.status_code == 403
    assert json.loads(answer.content)["code"] == "capability_not_granted"


def test_bearer_is_spelled_in_any_case(client: Client) -> None:
    headers = {"Authorization": f"bEARER  {CREDENTIAL}"}
    answer = client.get("/_chassis/rows/lending?table=library_book", headers=headers)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_rows_are_only_read(reader: Client) -> None:
    answer = reader.post("/_chassis/rows/lending?table=library_book")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert reader.head("/_chassis/rows/lending?table=library_book").status_code == 200


def test_value_that_is_not_of_its_kind_is_named(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_book("a", make_shelf(1))
    field = Book._meta.get_field("title")
    monkeypatch.setattr(type(field), "from_db_value", lambda *_: object(), raising=False)
    answer = reader.get("/_chassis/rows/lending?table=library_book&key=a")
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert json.loads(answer.content)["code"] == "value_not_carried"
