"""The access log is the witness: only whole lines of claimed routes count, each once."""

from pathlib import Path

from demo.access_log import AccessLog, Asked


def test_shoppers_others_and_shadows_are_told_apart_and_other_routes_left_out(
    tmp_path: Path,
) -> None:
    log = tmp_path / "a.log"
    log.write_text(
        "GET|1a|-|1|/api/catalog/products/\n"
        "GET|1b|-|-|/api/catalog/products/with a space/\n"
        "HEAD|1c|-|-|/api/catalog/products/\n"
        "GET|1a|v1;1;x y;z|1|/api/catalog/products/\n"
        "GET|-|-|-|/api/catalog/asked/directly/\n"
        "POST|1d|-|1|/api/catalog/products/x/reviews/\n"
        "GET|1e|-|1|/product/lamp/\n"
    )
    asked = AccessLog(log, "/api/catalog/").read_on()
    assert asked == Asked(by_shoppers=1, by_others=2, as_shadow=1)
    assert asked.by_users == 3


def test_checkouts_of_shoppers_are_counted_apart(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(
        "POST|1a|-|1|/api/orders/\n"
        "POST|1b|-|-|/api/orders/\n"
        "GET|1c|-|1|/api/orders/\n"
        "POST|1d|-|1|/api/orders/S-2026-000001/cancel/\n"
    )
    asked = AccessLog(log, "/api/catalog/").read_on()
    assert asked == Asked(checkouts=1)
    assert asked.by_users == 0


def test_a_line_still_being_written_is_counted_once_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    reader = AccessLog(log, "/api/")
    assert reader.read_on() == Asked()
    log.write_text("GET|1|-|1|/api/a\nGET|2|-|1|/a")
    assert reader.read_on().by_users == 1
    with log.open("a") as more:
        more.write("pi/b\n")
    assert reader.read_on().by_users == 2
    assert reader.read_on().by_users == 2
