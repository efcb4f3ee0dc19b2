"""A declaration that can't hold is refused with its place and what to do."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.models import UniqueConstraint
from django.db.models.functions import Lower
from django.test import Client, modify_settings

from chassis.callers import declared_callers
from chassis.environment import Secret, read_secret
from chassis.ownership.backfill.mapping import declared_targets
from chassis.ownership.tables import declared_capabilities
from chassis.ownership.values import Kind
from tests.library.models import Book, Shelf


def lending(*tables: object) -> dict[str, Any]:
    return {"OWNERSHIP": {"lending": {"tables": list(tables)}}}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([], "CHASSIS: must be a dict with names as keys, not a value of type list"),
        ({"OWNERSHIP": "all"}, 'CHASSIS["OWNERSHIP"]: must be a dict'),
        ({"OWNERSHIP": {"lending": {}}}, '["lending"]["tables"]: must be a list, not nothing'),
        ({"OWNERSHIP": {"lending": {"table": []}}}, "does not know table; it knows tables"),
        (lending("library.Book"), '["tables"][0]: must be a dict'),
        (lending({}), '["tables"][0]["model"]: must be a non-empty text'),
        (lending({"model": "library.Bok"}), "there is no model library.Bok"),
        (lending({"model": "Book"}), "there is no model Book"),
        (
            lending({"model": "library.Book"}, {"model": "library.Book"}),
            "belongs to lending already",
        ),
        (lending({"model": "library.Book", "columns": "isbn"}), '["columns"]: must be a list'),
        (
            lending({"model": "library.Book", "columns": ["title"]}),
            "must hold the primary key isbn",
        ),
        (
            lending({"model": "library.Book", "columns": ["isbn", "titel"]}),
            "titel: library.Book has no column titel; it has added_at, author",
        ),
        (
            lending({"model": "library.Book", "columns": ["isbn", {"who": "title.name"}]}),
            "title of library.Book is no foreign key",
        ),
        (
            lending({"model": "library.Book", "columns": ["isbn", {"who": "author.nam"}]}),
            "library.Author has no column nam",
        ),
        (lending({"model": "library.Book", "columns": ["isbn", "isbn"]}), "declared twice"),
        (
            lending({"model": "library.Book", "columns": ["isbn", "author", "author_id"]}),
            "two columns of one name",
        ),
    ],
)
def test_wrong_ownership_is_refused(settings: Any, written: object, words: str) -> None:
    settings.CHASSIS = written
    with pytest.raises(ImproperlyConfigured) as caught:
        declared_capabilities()
    assert words in str(caught.value)


def test_tables_are_read_with_renamed_and_joined_columns() -> None:
    table = declared_capabilities()["lending"].tables["library_book"]
    assert table.model is Book
    assert table.key.name == "isbn"
    assert [(c.name, c.path, c.kind) for c in table.columns][2:5] == [
        ("shelf_id", ("shelf_id",), Kind.INTEGER),
        ("author_name", ("author", "name"), Kind.TEXT),
        ("author_country", ("author", "country", "name"), Kind.TEXT),
    ]


@pytest.mark.parametrize(
    ("callers", "words"),
    [
        ({"a": {"credential": "short"}}, '["a"]["credential"]: must be at least 20'),
        ({"a": {"credential": "with a space in the middle"}}, "visible ASCII"),
        ({"a": {"credential": b"bytes are no text, sorry"}}, "not a value of type bytes"),
        ({"a": {"credential": "x" * 30}, "b": {"credential": "x" * 30}}, "is another caller's too"),
        ({"a": {"capabilities": "lending"}}, '["capabilities"]: must be a list'),
        ({"a": {"capabilties": []}}, "does not know capabilties"),
        ({"a": {"rights": "data"}}, '["a"]["rights"]: must be a list'),
        ({"a": {"rights": ["data", "root"]}}, '["a"]["rights"]: knows data and status, not root'),
    ],
)
def test_wrong_callers_are_refused_without_showing_the_credential(
    settings: Any, callers: Any, words: str
) -> None:
    settings.CHASSIS = {"CALLERS": callers}
    with pytest.raises(ImproperlyConfigured) as caught:
        declared_callers()
    assert words in str(caught.value)
    assert "x" * 30 not in str(caught.value)
    assert "sorry" not in str(caught.value)


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({}, '["lending"]: names no table'),
        ({"library_book": 1}, "must be a dict"),
        ({"library_book": "reading_room.Bok"}, "there is no model reading_room.Bok"),
        (
            {"library_book": "reading_room.Book", "library_novel": "reading_room.Book"},
            "takes the rows of another table already",
        ),
        (
            {"library_book": {"model": "reading_room.Book", "own": ["isbn"]}},
            "the key comes from the source",
        ),
        (
            {"library_book": {"model": "reading_room.Book", "own": ["pages"]}},
            "has no field pages left",
        ),
        (
            {"library_book": {"model": "reading_room.Book", "rename": {"title": "author"}}},
            "the field title needs a column too",
        ),
        (
            {"library_book": {"model": "reading_room.Book", "ignore": ["title"]}},
            "name it in own instead",
        ),
    ],
)
def test_wrong_backfill_is_refused(settings: Any, tables: Any, words: str) -> None:
    settings.CHASSIS = {"BACKFILL": {"lending": tables}}
    with pytest.raises(ImproperlyConfigured) as caught:
        declared_targets("lending")
    assert words in str(caught.value)


def test_targets_are_ordered_parents_first() -> None:
    assert [t.table for t in declared_targets("lending")] == ["library_shelf", "library_book"]


def test_unknown_capability_names_the_known_ones() -> None:
    with pytest.raises(
        ImproperlyConfigured, match="declares no capability sales; it declares lending"
    ):
        declared_targets("sales")


def test_system_check_stops_a_project_with_a_mistake(settings: Any) -> None:
    settings.CHASSIS = lending({"model": "library.Bok"}) | {
        "CALLERS": {"a": {"credential": "short"}},
        "BACKFILL": {"lending": {}},
    }
    with pytest.raises(SystemCheckError) as caught:
        call_command("check")
    for code in ("E001", "E002", "E003"):
        assert f"chassis_ownership.{code}" in str(caught.value)


def test_deploy_check_warns_of_callers_that_cant_call(settings: Any) -> None:
    assert not [m for m in run_checks() if m.id and m.id.startswith("chassis")]
    settings.CHASSIS = {"CALLERS": {"a": {"capabilities": ["sales"]}}}
    found = [m.id for m in run_checks(include_deployment_checks=True)]
    assert {"chassis_ownership.W001", "chassis_ownership.W002"} <= set(found)


def test_a_caller_may_read_data_unless_said_otherwise(settings: Any) -> None:
    settings.CHASSIS = {"CALLERS": {"a": {}, "b": {"rights": ["status"]}, "c": {"rights": []}}}
    rights = {name: set(caller.rights) for name, caller in declared_callers().items()}
    assert rights == {"a": {"data"}, "b": {"status"}, "c": set()}


def test_columns_behind_keys_that_text_can_not_name_are_refused(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = Book._meta.get_field("author").target_field
    monkeypatch.setattr(type(field), "get_internal_type", lambda _: "DateTimeField")
    columns = ["isbn", {"author_name": "author.name"}]
    settings.CHASSIS = lending({"model": "library.Book", "columns": columns})
    with pytest.raises(
        ImproperlyConfigured, match=r"author\.name: author of library\.Book refers to"
    ):
        declared_capabilities()


class EverythingElsewhere:
    def db_for_write(self, model: Any, **_: Any) -> str | None:
        return "elsewhere" if model is Book else None


def found_by_checks() -> dict[str | None, str]:
    return {message.id: str(message.msg) for message in run_checks()}


def test_log_and_tables_in_two_databases_are_refused(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [f"{__name__}.EverythingElsewhere"]
    assert found_by_checks()["chassis_ownership.E005"].startswith(
        "library.Book is in the database elsewhere, but the log of its changes is in default"
    )


def test_database_that_can_not_be_captured_is_refused(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "vendor", "mysql")
    assert "default is a mysql database" in found_by_checks()["chassis_ownership.E004"]
    settings.CHASSIS = {}
    assert found_by_checks() == {}


def test_unique_expression_is_told_on_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    constraint = UniqueConstraint(Lower("name"), name="one_name_in_any_case")
    monkeypatch.setattr(Shelf._meta, "constraints", [constraint])
    words = found_by_checks().get("chassis_ownership.W003", "")
    assert ("one_name_in_any_case" in words) == (connection.vendor == "sqlite")


def test_a_project_without_a_declaration_has_nothing_to_give(settings: Any, client: Client) -> None:
    del settings.CHASSIS
    assert declared_capabilities() == {}
    assert client.get("/_chassis/rows/lending?table=library_book").status_code == 401


def test_secret_is_read_from_variable_or_file(tmp_path: Any) -> None:
    path = tmp_path / "secret"
    path.write_text("from-a-file\n")
    assert read_secret("NAME", {"NAME": "plain"}) == "plain"
    assert read_secret("NAME", {"NAME_FILE": str(path)}) == "from-a-file"
    assert read_secret("NAME", {"NAME": " "}) is None
    assert read_secret("NAME", {}) is None
    with pytest.raises(ImproperlyConfigured, match="both set"):
        read_secret("NAME", {"NAME": "plain", "NAME_FILE": str(path)})
    with pytest.raises(ImproperlyConfigured, match="can't be read"):
        read_secret("NAME", {"NAME_FILE": str(tmp_path / "none")})


def test_secret_does_not_show_itself() -> None:
    assert repr({"credential": Secret("x" * 30)}) == "{'credential': <secret>}"


def test_a_copy_without_the_inbox_is_refused(settings: Any) -> None:
    """The apps stay registered: what the check asks is whether the app is installed."""
    settings.CHASSIS = {"BACKFILL": {"lending": {"library_shelf": "reading_room.Shelf"}}}
    assert "chassis_ownership.E006" not in [m.id for m in run_checks()]
    with modify_settings(INSTALLED_APPS={"remove": "chassis.inbox"}):
        assert "chassis_ownership.E006" in [m.id for m in run_checks()]
