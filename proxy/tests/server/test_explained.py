"""``fig explain`` and the data plane are one function: what is explained is what is done, whatever the config and the request.

Each example is a whole fig.yaml, an abort or none, and a request. ``fig explain --json`` reads the file; the request goes through a real
data plane with a signed Fig-Debug, and what its Fig-Plan says is compared.
"""

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from stranglerfig.cli.main import app
from stranglerfig.config.load import load
from stranglerfig.config.problem import ConfigError
from stranglerfig.counters import CounterBlock
from stranglerfig.routing.override import Override
from stranglerfig.routing.snapshot import compile_snapshot
from stranglerfig.server.data_plane import DataPlane
from stranglerfig.server.tee import Tee
from stranglerfig.signing.seal import sign
from stranglerfig.signing.wrote import Wrote, scope_of, write_wrote

SECRET = "a secret of these tests alone"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NAMES = ("catalog", "cart")
USERS = [f"{number:022}" for number in range(6)]


class Plane:
    """A real data plane before one upstream that goes by every name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.counters = CounterBlock.open(folder / "worker-0.cells")
        self.tee: Tee
        self.plane: DataPlane | None = None
        self.runner.run(self._start())

    async def _start(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    writer.write(ANSWER)
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        self.upstream = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.tee = Tee(0, self.counters, path=str(self.folder / "none.sock"))
        self.listening = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.upstream.sockets[0].getsockname()[1]}"

    def ask(self, file: Path, overrides: dict[str, Override], request: bytes) -> bytes:
        """Let the plane run ``file``, send one request, and give the whole answer."""
        return self.runner.run(self._ask(file, overrides, request))

    async def _ask(self, file: Path, overrides: dict[str, Override], request: bytes) -> bytes:
        snapshot = compile_snapshot(load(file).config, overrides, 0)
        key = SECRET.encode()
        if self.plane is None:
            self.plane = DataPlane(
                snapshot, counters=self.counters, tee=self.tee, signing_key=key, cookie_key=key
            )
            await self.plane.serve(self.listening)
        self.plane.swap(snapshot, cookie_key=key)
        reader, writer = await asyncio.open_connection(*self.listening.getsockname())
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer

    def close(self) -> None:
        async def stop() -> None:
            if self.plane is not None:
                await self.plane.drain(0)
            self.upstream.close()

        self.runner.run(stop())
        self.runner.close()
        self.listening.close()
        self.counters.close()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    made = Plane(tmp_path_factory.mktemp("plane"))
    yield made
    made.close()


# Apart, so that few configs hold two routes that tie.
PATTERNS = {"catalog": ["/api/**", "/api/x", "/api/*.json", "/é/**"], "cart": ["/api/{name}", "/**", "/api/{name}/parts/**"]}  # fmt: skip
methods = st.sampled_from(["GET", "POST", "GET,POST", "*", "OPTIONS", "PUT,DELETE"])
stages = st.sampled_from(["canary", "monolith", "shadow", "service", "canary"])


def capabilities(name: str) -> st.SearchStrategy[dict[str, Any]]:
    routes = st.builds(
        lambda method, pattern, more: {"match": f"{method} {pattern}", **more},
        methods,
        st.sampled_from(PATTERNS[name]),
        st.fixed_dictionaries({}, optional={"safe": st.booleans(), "stage": stages}),
    )
    return st.fixed_dictionaries(
        {
            "routes": st.lists(routes, min_size=1, max_size=3, unique_by=lambda route: route["match"].partition(" ")[2]),
            "stage": stages,
        },
        optional={
            "percent": st.sampled_from([50, 10, 0, 100]),
            "writes": st.sampled_from(["monolith", "service", "stage"]),
            "read_your_writes": st.sampled_from(["off", "1ms", "1h"]),
            "journey": st.just("shopping"),
            "compare": st.booleans(),
            "sample": st.sampled_from([0, 50, 100]),
            "sticky": st.sampled_from(["cookie", "ip", "header X-User"]),
            "lists": st.fixed_dictionaries({}, optional={"allow": st.just(USERS[:1]), "deny": st.just(USERS[1:2])}),
        },
    )  # fmt: skip


configs = st.fixed_dictionaries(
    {
        "capabilities": st.fixed_dictionaries(
            {"catalog": capabilities("catalog")}, optional={"cart": capabilities("cart")}
        )
    },
    optional={
        "fallthrough": st.just("none"),
        "dot_segments": st.just("pass"),
        "trusted_proxies": st.just(["127.0.0.1"]),
    },
)
targets = st.sampled_from(
    ["/api/x", "/api/x?a=b", "/api/y", "/api/z", "/api/%78", "/api/a.json", "/api/y/parts/1", "/api", "/api/", "/api//x", "/other",
     "/%C3%A9/1", "/api/../x", "/api/%2e%2e/x", "/_chassis/x", "/%5fchassis", "/api/x%00", "/"]
)  # fmt: skip
scopes = st.sampled_from(
    [
        ("journey", "catalog"),
        ("journey", "shopping"),
        ("upstream", "monolith"),
        ("upstream", "cart"),
    ]
)


@st.composite
def headers(draw: Callable[..., Any]) -> list[str]:
    """What says who asks, what was written, and who is forced where."""
    found: list[str] = []
    cookies = []
    if draw(st.booleans()):
        cookies.append(f"fig_user={draw(st.sampled_from([*USERS, 'bob']))}")
    if draw(st.booleans()):
        at_ms = int((time.time() - draw(st.sampled_from([10, 600]))) * 1000)
        writes = {scope_of(*draw(scopes)): Wrote(draw(st.sampled_from(["m", "s", "u"])), at_ms)}
        cookies.append(f"fig_wrote={write_wrote(writes, SECRET.encode())}")
    if cookies:
        found.append(f"Cookie: {'; '.join(cookies)}")
    if draw(st.booleans()):
        found.append("Authorization: Token 1")
    if draw(st.booleans()):
        found.append(f"X-User: {draw(st.sampled_from(['ann', USERS[0]]))}")
    if draw(st.integers(0, 3)) == 0:
        force = f"{draw(st.sampled_from(NAMES))}={draw(st.sampled_from(['monolith', 'service']))}"
        found.append(f"Fig-Force: {sign('Fig-Force', force, int(time.time()) + 600, SECRET.encode())}")  # fmt: skip
    return found


def plan_in(answer: bytes) -> dict[str, str] | None:
    """What a Fig-Plan header says."""
    match = re.search(rb"\r\nFig-Plan: ([^\r]*)\r\n", answer)
    if match is None:
        return None
    words, _, route = match[1].decode().partition('; route="')
    told = dict(word.split("=", 1) for word in words.split("; "))
    return {**told, "route": route.removesuffix('"')} if route else told


def as_header(plan: dict[str, Any]) -> dict[str, str]:
    """An explained plan in the words of Fig-Plan."""
    told = {name: str(plan[name]) if plan[name] is not None else "-" for name in ("generation", "capability", "stage", "side", "upstream", "reason")}  # fmt: skip
    told |= {name: str(plan[name]) for name in ("bucket", "route") if plan[name] is not None}
    return told


@pytest.mark.slow
@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(config=configs, method=st.sampled_from(["GET", "GET", "HEAD", "POST", "PUT", "OPTIONS"]), target=targets, sent=headers(), aborted=st.integers(0, 4).map(lambda one: one == 4))  # fmt: skip
def test_what_is_explained_is_what_is_done(
    plane: Plane,
    monkeypatch: pytest.MonkeyPatch,
    config: dict[str, Any],
    method: str,
    target: str,
    sent: list[str],
    aborted: bool,
) -> None:
    monkeypatch.setenv("FIG_SECRET", SECRET)
    file = plane.folder / "fig.yaml"
    named = {name: {**keys, "upstream": name} for name, keys in config["capabilities"].items()}
    if config.get("fallthrough") == "none":
        named = {name: {**keys, "control": "monolith"} for name, keys in named.items()}
    # Far longer than any stall of the machine: what is looked at is the plan.
    upstream = {"url": plane.url, "timeouts": {"connect": "60s", "response": "60s"}}
    upstreams = dict.fromkeys(("monolith", *NAMES), upstream)
    file.write_text(json.dumps({**config, "upstreams": upstreams, "capabilities": named}))
    try:
        load(file)
    except ConfigError:
        assume(False)
    first = min(named)
    overrides = {first: Override(first, 1.0, "me", "slow")} if aborted else {}
    state = plane.folder / ".fig"
    state.mkdir(exist_ok=True)
    told_aborts = {"overrides": [each.to_dict() for each in overrides.values()]}
    (state / "overrides.json").write_text(json.dumps(told_aborts))

    options = [word for header in sent for word in ("--header", header)]
    forwarded = ""
    if "trusted_proxies" in config:
        options += ["--address", "192.0.2.9"]
        forwarded = "X-Forwarded-For: 192.0.2.9\r\n"
    done = CliRunner().invoke(app, ["explain", method, target, *options, "-c", str(file), "--json"])
    assert done.exit_code == 0, done.output
    explained = json.loads(done.stdout)

    debug = sign("Fig-Debug", "plan", int(time.time()) + 600, SECRET.encode())
    lines = "".join(f"{header}\r\n" for header in [*sent, f"Fig-Debug: {debug}"])
    answer = plane.ask(
        file,
        overrides,
        f"{method} {explained['target']} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{forwarded}{lines}\r\n".encode(),
    )
    status = int(answer.split(b" ", 2)[1])
    assert status == (explained["status"] or 200), answer
    made, plan = plan_in(answer), explained["plan"]
    event("refused" if plan is None else plan["reason"])
    if plan is None:
        assert made is None
        return
    expected = as_header(plan)
    assert made is not None
    if plan["unit"] == "minted":
        # Each time another user, with a bucket of their own.
        for name in ("bucket", "side", "upstream"):
            made.pop(name)
            expected.pop(name)
    assert made == expected
