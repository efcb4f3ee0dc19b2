"""The access log is the witness: only whole lines of claimed routes count, each once."""

from pathlib import Path

from demo.access_log import AccessLog, Asked


def test_users_and_shadows_are_told_apart_and_other_routes_left_out(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(
        "GET /api/catalog/products/ 200 -\n"
        "GET /api/catalog/products/ 200 v1;1;x;y\n"
        "POST /api/catalog/products/x/reviews/ 201 -\n"
        "GET /p/lamp/ 200 -\n"
    )
    assert AccessLog(log, "/api/catalog/").read_on() == Asked(by_users=1, as_shadow=1)


def test_a_line_still_being_written_is_counted_once_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    reader = AccessLog(log, "/api/")
    assert reader.read_on() == Asked()
    log.write_text("GET /api/a 200 -\nGET /api/b 2")
    assert reader.read_on().by_users == 1
    with log.open("a") as more:
        more.write("00 -\n")
    assert reader.read_on().by_users == 2
    assert reader.read_on().by_users == 2
