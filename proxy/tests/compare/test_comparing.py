"""The comparer against real sockets: whatever the other side does, each observation ends in exactly one outcome."""

import asyncio
import os
import time

import pytest
from comparer_world import ROUTE, World, answer, connected, offer

from stranglerfig.compare import comparer as comparer_module
from stranglerfig.compare.observation import RecordedRequest, SkipReason
from stranglerfig.compare.reading import read_clusters, read_example
from stranglerfig.compare.rules import Rules
from stranglerfig.compare.wire import Hello, encode
from stranglerfig.counters import names
from stranglerfig.signing.shadow import verify_shadow_mark


async def test_equal_answers_are_counted_equal_and_leave_no_cluster(world: World) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    for _ in range(20):
        assert offer(tee)
    account = await world.settled(asked=20, equal=20)
    assert account.bound == pytest.approx(0.1577, abs=1e-4)
    assert read_clusters(world.store_path) == []


async def test_a_difference_is_found_stored_and_counted(world: World) -> None:
    world.candidate.reply = answer(b'{"a": 1.0, "b": null}')
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    assert offer(tee)
    account = await world.settled(asked=1, different=1)
    assert account.bound is None
    found = {(each.kind, each.place) for each in read_clusters(world.store_path)}
    assert found == {("format", "body $.a"), ("extra", "body $.b")}
    detail = read_example(world.store_path, 1)
    assert detail is not None
    exchange = detail.examples[0].exchange
    assert (exchange.control, exchange.candidate, exchange.route) == ("monolith", "catalog", ROUTE)
    assert "ann" not in exchange.request.target
    assert exchange.request.user is not None


async def test_the_control_is_the_monolith_whoever_answered_the_user(world: World) -> None:
    world.control.reply = answer(b'{"a": 1, "b": 2}')
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee, side="service", answered_by="catalog", other="monolith", stage="canary")
    await world.settled(different=1)
    (cluster,) = read_clusters(world.store_path)
    assert (cluster.kind, cluster.path) == ("missing", "$.b")
    assert len(world.candidate.requests) == len(world.control.requests) - 1


async def test_the_other_side_gets_the_same_request_marked_and_closed(world: World) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    await world.settled(equal=1)
    head = world.candidate.requests[0].decode()
    lines = head.split("\r\n")
    assert lines[0] == "GET /api/catalog/?q=ann HTTP/1.1"
    assert {"Host: shop.example", "Cookie: sessionid=1", "X-Request-Id: r1"} <= set(lines)
    (mark,) = [line.partition(": ")[2] for line in lines if line.startswith("Fig-Shadow")]
    checked = verify_shadow_mark(mark, "GET", b"/api/catalog/?q=ann", b"", b"a secret", time.time())
    assert checked == "r1"


async def test_a_shadow_belongs_to_the_trace_under_an_id_of_its_own(world: World) -> None:
    trace_id, parent_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    world.candidate.reply = (
        b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Type: application/json\r\n\r\n{"a": 9}'
    )
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    headers = (
        (b"Host", b"shop.example"),
        (b"traceparent", f"00-{trace_id}-{parent_id}-01".encode()),
        (b"tracestate", b"shop=1"),
    )
    offer(tee, request=RecordedRequest("GET", b"/api/catalog/", headers, b""))
    await world.settled(different=1)
    lines = world.candidate.requests[0].decode().split("\r\n")
    (told,) = [line.partition(": ")[2] for line in lines if line.startswith("traceparent")]
    assert told.startswith(f"00-{trace_id}-")
    assert told.endswith("-01")
    assert parent_id not in told
    assert "tracestate: shop=1" in lines
    (found,) = read_clusters(world.store_path, trace=trace_id)
    detail = read_example(world.store_path, found.id)
    assert detail is not None
    assert detail.examples[0].exchange.trace_id == trace_id
    assert read_clusters(world.store_path, trace=parent_id) == []


async def test_without_a_secret_shadows_are_not_marked(world: World) -> None:
    world.secret = None
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    await world.settled(equal=1)
    assert b"Fig-Shadow" not in world.candidate.requests[0]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
async def test_other_safe_methods_are_compared_too(world: World, method: str) -> None:
    world.candidate.reply = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Type: application/json\r\n\r\n"
    )
    if method == "OPTIONS":
        world.candidate.reply += b'{"a": 1}'
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    request = RecordedRequest(method, b"/api/catalog/", ((b"Host", b"shop"),), b"")
    offer(tee, request=request, body=b"" if method == "HEAD" else b'{"a": 1}')
    await world.settled(equal=1)


async def test_a_redirect_is_an_answer_and_not_followed(world: World) -> None:
    reply = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    world.candidate.reply = reply
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    await world.settled(different=1)
    assert {head.split()[1] for head in world.candidate.requests} == {b"/api/catalog/?q=ann"}


async def test_an_error_of_the_candidate_is_compared_like_any_answer(world: World) -> None:
    world.candidate.reply = answer(
        b"<h1>Server Error</h1>", "500 Internal Server Error", b"text/html"
    )
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    await world.settled(different=1)
    assert {each.place for each in read_clusters(world.store_path)} == {
        "status", "header content-type", "body $",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (None, "response_timeout"),
        (b"", "closed_early"),
        (answer(length=99), "cut_response"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "bad_response"),
    ],
)
async def test_no_whole_answer_is_an_outcome_of_its_own(
    world: World, reply: bytes | None, reason: str
) -> None:
    world.candidate.reply = reply
    world.response_timeout = "20s" if reply is not None else "300ms"
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    for _ in range(3):
        offer(tee)
    account = await world.settled(asked=3, no_answer=3)
    assert account.no_answer_by == {reason: 3}
    assert len(world.candidate.requests) == 3


async def test_a_candidate_that_refuses_is_no_answer(world: World) -> None:
    await world.candidate.stop()
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    account = await world.settled(no_answer=1)
    assert account.no_answer_by == {"connect_failed": 1}


async def test_an_answer_above_the_cap_is_skipped_by_name(world: World) -> None:
    world.candidate.reply = answer(b"x" * 1_100_000)
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    account = await world.settled()
    assert account.skipped == {"other_body_too_large": 1}


async def test_what_rules_cover_is_ignored_and_their_hits_are_counted(world: World) -> None:
    world.rules = Rules.model_validate(
        {"rules": [{"name": "took", "action": "ignore", "capability": "catalog", "where": "body", "path": "$.a", "reason": "r", "owner": "o", "expires": "2099-12-31"}]}
    )  # fmt: skip
    world.candidate.reply = answer(b'{"a": 2}')
    comparer = await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    account = await world.settled(ignored=1, different=0)
    assert account.rule_hits == {"took": 1}
    comparer.swap(world.config(), Rules(), world.secret)
    offer(tee)
    await world.settled(ignored=1, different=1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"other": "gone"}, "no_upstream"),
        ({"other": "monolith"}, "same_upstream"),
        ({"request": RecordedRequest("POST", b"/api/catalog/", (), b"")}, "unsafe"),
        ({"started_at": 1.0}, "stale"),
        ({"request_id": "a b"}, "comparer_error"),
    ],
)
async def test_what_must_not_or_cannot_be_asked_is_skipped_by_name(
    world: World, changes: dict[str, object], reason: str
) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee, **changes)
    account = await world.settled()
    assert account.skipped == {reason: 1}
    assert not world.candidate.requests
    assert not world.control.requests


async def test_an_unsafe_method_that_is_declared_safe_is_asked(world: World) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    quote = RecordedRequest("POST", b"/api/catalog/quote", ((b"Host", b"shop"),), b"{}")
    offer(tee, request=quote, route="POST /api/catalog/quote")
    await world.settled(equal=1)
    assert b"Content-Length: 2" in world.candidate.requests[0]


async def test_a_coding_without_a_reader_is_skipped_by_name(world: World) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: compress\r\nContent-Length: 3\r\nContent-Type: application/json\r\n\r\nabc"
    world.candidate.reply = reply
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    account = await world.settled()
    assert account.skipped == {"content_coding": 1}


async def test_more_than_may_wait_for_a_hung_side_is_skipped_and_the_rest_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparer_module, "MAX_WAITING", 20)
    world.candidate.reply = None
    world.response_timeout = "100ms"
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    for _ in range(100):
        assert offer(tee)
    account = await world.settled(asked=100, no_answer=20)
    assert account.skipped == {"comparer_busy": 80}


async def test_a_hung_side_does_not_hold_up_the_other_one(world: World) -> None:
    world.candidate.reply = None
    world.response_timeout = "30s"
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    for _ in range(40):
        offer(tee)
    offer(tee, side="service", answered_by="catalog", other="monolith")
    account = await world.until(lambda account: account.compared == 1)
    assert (account.equal, account.waiting) == (1, 40)


async def test_bytes_that_may_wait_are_bounded_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparer_module, "MAX_WAITING_BYTES", 100_000)
    world.candidate.reply = None
    world.response_timeout = "100ms"
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    for _ in range(5):
        offer(tee, body=b"x" * 40_000)
    account = await world.settled(no_answer=2)
    assert account.skipped == {"comparer_busy": 3}


async def test_draining_finishes_what_it_can_and_counts_the_rest(world: World) -> None:
    comparer = await world.compare()
    tee = await world.tee()
    await connected(tee)
    for _ in range(10):
        offer(tee)
    await tee.close()
    await comparer.drain(5.0)
    await world.settled(equal=10)


async def test_draining_with_a_hung_side_ends_at_the_deadline(world: World) -> None:
    world.candidate.reply = None
    world.response_timeout = "30s"
    comparer = await world.compare()
    tee = await world.tee()
    await connected(tee)
    for _ in range(3):
        offer(tee)
    await world.candidate.asked.wait()
    started = time.monotonic()
    await comparer.drain(0.3)
    assert time.monotonic() - started < 10
    account = await world.settled()
    assert account.skipped == {"comparer_stopped": 3}
    assert not offer(tee)
    assert world.account().skipped["comparer_away"] == 1


async def test_a_store_that_cannot_be_written_stops_nothing(world: World) -> None:
    world.candidate.reply = answer(b'{"a": 2}')
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    world.store_path.unlink()
    for path in world.state_dir.glob("compare.db*"):
        path.unlink()
    offer(tee)
    await world.settled(different=1)


async def test_a_connection_that_speaks_something_else_is_closed_and_others_go_on(
    world: World,
) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    for hostile in (b"GET / HTTP/1.1\r\n\r\n", encode(Hello(5, 1, True, ())) * 2, b"\x00" * 9):
        reader, writer = await asyncio.open_unix_connection(world.socket_path)
        writer.write(hostile)
        assert await reader.read() == b""
        writer.close()
    offer(tee)
    await world.settled(equal=1)


async def test_the_socket_is_for_its_owner_alone(world: World) -> None:
    await world.compare()
    assert os.stat(world.socket_path).st_mode & 0o777 == 0o600  # noqa: PTH116


async def test_skips_of_the_exchange_are_in_the_account(world: World) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    tee.asked("catalog")
    tee.skip("catalog", SkipReason.CLIENT_LEFT)
    tee.asked("catalog")
    account = world.account()
    assert (account.asked, account.skipped, account.waiting) == (2, {"client_left": 1}, 1)


async def test_what_a_slot_that_never_comes_back_had_sent_is_lost_by_name(world: World) -> None:
    block = world.block("worker-7")
    block.add(block.cell(names.ASKED, capability="catalog"), 9)
    block.add(block.cell(names.TEED, capability="catalog"), 9)
    (world.state_dir / "counters" / "worker-x.cells").write_bytes(b"")
    comparer = await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee)
    await world.until(lambda account: account.equal == 1)
    await tee.close()
    await comparer.drain(1.0)
    account = await world.settled(asked=10, equal=1)
    assert account.lost == {"worker": 9}
