"""What is kept of a request: enough to send it again, nothing that says who sent it."""

from pathlib import Path

import pytest

from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.key import value_key
from stranglerfig.compare.observation import RecordedRequest
from stranglerfig.compare.redact import redact
from stranglerfig.compare.rules import Rules

SHAPER = Shaper(b"k")
RULES = Rules.model_validate(
    {
        "rules": [
            {
                "name": "page",
                "action": "show",
                "capability": "c",
                "where": "query page",
                "reason": "r",
            }
        ]
    }
)


def request(target: bytes, *headers: tuple[bytes, bytes]) -> RecordedRequest:
    return RecordedRequest("GET", target, headers, b"")


def target_of(target: bytes) -> str:
    return redact(request(target), SHAPER, RULES.for_route("c", "")).target


def test_query_values_are_hashed_unless_a_rule_shows_them() -> None:
    kept = target_of(b"/api/catalog/?q=ann+12&page=2&empty=&flag")
    ann, flag = SHAPER.digest("ann+12"), SHAPER.digest("flag")
    assert kept == f"/api/catalog/?q=aaa+dd~{ann}&page=2&empty=&aaaa~{flag}"


@pytest.mark.parametrize("target", [b"/", b"/?", b"/?&&", b"/a?=", b"*", b"/\xff\xfe"])
def test_odd_targets_are_kept(target: bytes) -> None:
    assert target_of(target) == target.decode("latin-1")


def test_a_nameless_value_is_hashed() -> None:
    assert "ann" not in target_of(b"/?=ann")
    assert "ann" not in target_of(b"/?ann@example.org")


def test_credentials_become_a_pseudonym_and_other_headers_are_dropped() -> None:
    headers = (
        (b"Host", b"shop"), (b"Accept", b"*/*"), (b"Cookie", b"sessionid=abc"), (b"X-Forwarded-For", b"203.0.113.9"),
        (b"Referer", b"http://shop/me"),
    )  # fmt: skip
    kept = redact(request(b"/", *headers), SHAPER, RULES.for_route("c", ""))
    assert kept.headers == (("Host", "shop"), ("Accept", "*/*"))
    assert kept.user is not None
    assert kept.user.startswith("user:")
    assert "abc" not in repr(kept)
    assert "203.0.113.9" not in repr(kept)
    again = redact(request(b"/x", (b"cookie", b"sessionid=abc")), SHAPER, RULES.for_route("c", ""))
    assert again.user == kept.user
    assert redact(request(b"/"), SHAPER, RULES.for_route("c", "")).user is None


def test_the_key_comes_from_the_secret_or_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    assert value_key("s", tmp_path) == value_key("s", tmp_path) != value_key("t", tmp_path)
    assert list(tmp_path.iterdir()) == []
    key = value_key(None, tmp_path)
    assert len(key) == 32
    assert value_key(None, tmp_path) == key
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(b"cut")
    assert len(value_key(None, tmp_path)) == 32
