"""A line of the access log says what happened, and nothing that a client sends can forge another."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.config.model import AccessLog, Stage
from stranglerfig.http1.failure import Failure
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.routing.plan import Plan, Reason, Side, Unit
from stranglerfig.server.log_lines import MAX_LINE_BYTES, Answered, Lines

ID = b"0123456789abcdef0123456789abcdef"
PLAN = Plan(7, "catalog", "GET /api/**", Stage.CANARY, Side.SERVICE, "catalog-1", Reason.BUCKET, 2250, Unit.COOKIE)  # fmt: skip


def head(target: bytes = b"/api/x?a=b", host: bytes | None = b"shop.example:80", **headers: bytes) -> RequestHead:  # fmt: skip
    made = RequestHead("GET", target, is_http_1_0=False)
    made.host = host
    made.kept = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return made


def answered(**other: Any) -> Answered:
    usual: dict[str, Any] = {
        "head": head(), "address": "192.0.2.77", "request_id": ID, "trace_id": ID[::-1], "plan": PLAN, "status": 200,
        "body_bytes": 5, "sent_bytes": 1234, "elapsed_s": 0.0123, "head_s": 0.011, "failure": None, "retries": 0,
    }  # fmt: skip
    return Answered(**usual | other)


def line(format: str = "json", what: Answered | None = None, **config: Any) -> str:
    made = Lines(AccessLog.model_validate({"format": format, **config})).line(what or answered())
    assert made.endswith(b"\n")
    assert re.fullmatch(rb"[ -~]+\n", made)
    assert len(made) <= MAX_LINE_BYTES
    return made.decode("ascii")


def told(what: Answered | None = None, **config: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line("json", what, **config))
    return found


def test_json_tells_everything() -> None:
    found = told()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found == {
        "client": "192.0.2.77", "method": "GET", "target": "/api/x?", "host": "shop.example:80", "status": 200,
        "request_body_bytes": 5, "response_bytes": 1234, "duration_ms": 12.3, "head_ms": 11.0, "upstream": "catalog-1",
        "capability": "catalog", "route": "GET /api/**", "stage": "canary", "side": "service", "reason": "bucket",
        "unit": "cookie", "generation": 7, "retries": 0, "failure": None, "fallback": None, "request_id": ID.decode(),
        "trace_id": ID[::-1].decode(),
    }  # fmt: skip


def test_text_is_for_people() -> None:
    time, _, rest = line("text").partition(" ")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert rest == (
        '192.0.2.77 "GET /api/x?" 200 5/1234 12.3ms upstream=catalog-1 capability=catalog route="GET /api/**" stage=canary'
        f" side=service reason=bucket unit=cookie head=11.0ms host=shop.example:80 id={ID.decode()} trace={ID[::-1].decode()}\n"
    )


def test_neither_the_users_bucket_nor_a_cookie_is_told() -> None:
    secret = head(cookie=b"sessionid=s3cret", authorization=b"Token s3cret")
    for format in ("json", "text"):
        made = line(format, answered(head=secret), headers=["user-agent"])
        assert "2250" not in made
        assert "s3cret" not in made


def test_who_answered_instead_is_told() -> None:
    stood_in = answered(failure="status_503", retries=1, fallback="monolith")
    assert {"failure": "status_503", "fallback": "monolith"}.items() <= told(stood_in).items()
    assert " failure=status_503 fallback=monolith " in line("text", stood_in)


def test_a_failure_and_retries_are_told() -> None:
    failed = answered(status=504, failure=Failure.RESPONSE_TIMEOUT.kind, retries=2, head_s=None)
    assert {"failure": "response_timeout", "retries": 2, "head_ms": None}.items() <= told(failed).items()  # fmt: skip
    assert " 504 " in line("text", failed)
    assert " retries=2 failure=response_timeout " in line("text", failed)


def test_a_request_that_could_not_be_read_has_a_line_too() -> None:
    unread = answered(head=None, plan=None, trace_id=None, head_s=None, status=400, failure=Failure.MALFORMED_HEAD.kind)  # fmt: skip
    found = told(unread)
    assert (found["method"], found["target"], found["host"]) == ("-", "", None)
    assert found["trace_id"] is None
    assert "upstream" not in found
    assert '192.0.2.77 "- " 400 5/1234' in line("text", unread)


def test_a_client_that_got_nothing_has_no_status() -> None:
    gone = answered(status=0, failure="client_left")
    assert told(gone)["status"] is None
    assert '" - 5/1234' in line("text", gone)


def test_what_nobody_answers_has_no_side() -> None:
    found = told(answered(plan=Plan(7, reason=Reason.NOWHERE)))
    assert found["reason"] == "nowhere"
    assert "side" not in found


@pytest.mark.parametrize(("kept", "target"), [("none", ""), ("path", "/api/x?"), ("whole", "/api/x?a=b")])  # fmt: skip
def test_so_much_of_the_target_is_kept(kept: str, target: str) -> None:
    assert told(target=kept)["target"] == target
    assert told(answered(head=head(b"/api/x")), target="path")["target"] == "/api/x"
    referer = head(referer=b"https://shop.example/reset?token=s3cret")
    found = told(answered(head=referer), target=kept, headers=["Referer"])["headers"]["referer"]
    assert ("s3cret" in found) is (kept == "whole")


@pytest.mark.parametrize(
    ("address", "kept", "client"),
    [
        ("192.0.2.77", "address", "192.0.2.77"),
        ("192.0.2.77", "network", "192.0.2.0/24"),
        ("2001:db8:1:2::7", "network", "2001:db8:1::/48"),
        ("fe80::1%eth0", "network", "fe80::/48"),
        ("somewhere", "network", "-"),
        ("192.0.2.77", "none", "-"),
        ("", "address", "-"),
    ],
)
def test_so_much_of_the_address_is_kept(address: str, kept: str, client: str) -> None:
    assert told(answered(address=address), client=kept)["client"] == client


def test_headers_are_kept_that_are_asked_for() -> None:
    sent = answered(head=head(user_agent=b'curl "7"', x_shop=b"1"))
    wanted = {"headers": ["User-Agent", "x-other"]}
    assert told(sent, **wanted)["headers"] == {"user-agent": 'curl "7"'}
    assert line("text", sent, **wanted).endswith(' user-agent="curl \\"7\\""\n')


HOSTILE = [
    b"/x\r\n2026-01-01T00:00:00.000Z 1.2.3.4 \"GET /forged\" 200", b"/\x1b[2J\x1b]0;owned\x07", b'/" 200 0/0 0.0ms upstream="x',
    b"/\\", b"/\\\"", b"/\x00\x7f\x80\xff", b"/\xc2\x9b31m", b"/\xe2\x80\xae\xe2\x80\xa8", b"/" + b"\x1b" * 5000, b"/" + b"a" * 60_000,
    b"/" + "\U0001f600".encode() * 900,
]  # fmt: skip


@pytest.mark.parametrize("target", HOSTILE)
def test_hostile_bytes_stay_in_their_field(target: bytes) -> None:
    sent = answered(head=head(target, user_agent=target), request_id=b"only-mine")
    config = {"target": "whole", "headers": ["user-agent"]}
    found = told(sent, **config)
    assert found["request_id"] == "only-mine"
    assert found["status"] == 200
    assert (found["target"] == target.decode("utf-8", "backslashreplace")) is (len(target) < 1000)
    fields = split_text(line("text", sent, **config))
    assert fields[1] == "192.0.2.77"
    assert fields[3] == "200"
    assert fields[-3] == "id=only-mine"
    assert fields[-1].startswith("user-agent=")


def split_text(made: str) -> list[str]:
    """The fields as a reader finds them: apart at spaces that are not in quotes."""
    return re.findall(r'(?:[^ "\n]|"(?:[^"\\]|\\.)*")+', made)


@given(
    target=st.binary(max_size=3000),
    host=st.one_of(st.none(), st.binary(max_size=600)),
    agent=st.binary(max_size=600),
    request_id=st.from_regex(rb"[A-Za-z0-9._-]{1,128}", fullmatch=True),
)
def test_whatever_is_sent_a_line_is_one_line_and_its_fields_are_its_own(
    target: bytes, host: bytes | None, agent: bytes, request_id: bytes
) -> None:
    names = [f"x-{'h' * 61}{number}" for number in range(5)]
    sent = answered(
        head=head(target, host, user_agent=agent, **dict.fromkeys(names, agent)),
        request_id=request_id,
    )
    config = {"target": "whole", "headers": ["user-agent", *names][:6]}
    found = told(sent, **config)
    assert found["request_id"] == request_id.decode()
    assert set(found["headers"]) == {"user-agent", *names}
    plain = target.decode("utf-8", "backslashreplace")
    assert found["target"] == plain or found["target"].endswith("...")
    fields = split_text(line("text", sent, **config))
    assert fields[2].startswith('"GET ')
    assert f"id={request_id.decode()}" in fields


@pytest.mark.parametrize("format", ["json", "text"])
@pytest.mark.parametrize("sign", [b"a", b"\x1b", b"\xff", "\U0001f600".encode()])
def test_a_line_with_everything_at_its_longest_fits_a_pipe(format: str, sign: bytes) -> None:
    name = "n" * 63
    plan = PLAN._replace(capability=name, upstream=name, route="GET /" + "r" * 900)
    names = [f"x-{'h' * 61}{number}" for number in range(6)]
    kept = dict.fromkeys(names, sign * 900)
    longest = answered(
        head=head(sign * 9000, sign * 900, **kept), address="f" * 45, request_id=b"i" * 128, plan=plan, body_bytes=2**63,
        sent_bytes=2**63, elapsed_s=1e6, head_s=1e6, failure=Failure.UNASKED_RESPONSE.kind, retries=999,
    )  # fmt: skip
    assert len(line(format, longest, target="whole", headers=names)) > 2500
