"""``fig explain``: why a request goes where it goes."""

import base64
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import PydanticCustomError
from rich.markup import escape

from stranglerfig.cli.explain_live import Live, lags_of, tell_live
from stranglerfig.cli.output import (
    ConfigOption,
    JsonFlag,
    fail,
    fail_with_problems,
    out,
    print_json,
)
from stranglerfig.config.load import load
from stranglerfig.config.model import Writes
from stranglerfig.config.pattern import KNOWN_METHODS
from stranglerfig.config.problem import ConfigError
from stranglerfig.config.scalar import duration
from stranglerfig.control import overrides
from stranglerfig.control.environment import SecretError, secret
from stranglerfig.routing.decide import USER_COOKIE
from stranglerfig.routing.explanation import Explanation, explain_request, target_of
from stranglerfig.routing.facts import Facts, read_cookie
from stranglerfig.routing.path import wsgi_path
from stranglerfig.routing.plan import Side
from stranglerfig.routing.recent import Lag, RecentWrites
from stranglerfig.routing.snapshot import Claim, Snapshot, compile_snapshot
from stranglerfig.signing import Refusal, verify
from stranglerfig.signing.force import read_force
from stranglerfig.signing.wrote import NAME as WROTE_COOKIE
from stranglerfig.signing.wrote import Ignored, Taker, Wrote, read_wrote


def explain(
    method: Annotated[str, typer.Argument(help="GET, POST, …")],
    path: Annotated[str, typer.Argument(help="The path, with or without a query; or a whole URL.")],
    user: Annotated[
        str | None,
        typer.Option(
            help="The user, by what `sticky` names: a fig_user, the header's value, an address."
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", help="A request header, NAME:VALUE; repeatable."),
    ] = None,
    address: Annotated[str, typer.Option(help="The client's address.")] = "127.0.0.1",
    wrote: Annotated[
        str | None,
        typer.Option(
            help="As if who owns the journey's data had taken a write of this user so long ago: 500ms, 1s."
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Explain what runs instead of the file, and add upstreams, lag and the last minutes.",
        ),
    ] = False,
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Explain step by step where fig.yaml sends a request, and why. Sends nothing.

    The file is asked, and the aborts that are in force; `fig check` shows whether what runs differs from the file.
    With --live it is what runs that is asked.

    [bold]Examples[/]

      fig explain GET /api/catalog/products/?page=2

      fig explain GET /api/catalog/ --user 4Yw2Kd0mQ1uRz8T_x-9aBc

      fig explain GET /api/catalog/ --wrote 1s

      fig explain GET /api/catalog/ --live

      fig explain POST /cart/ --header "Authorization: Token 1" --json
    """
    running = Live(config) if live else None
    snapshot = _compile(Path(config)) if running is None else running.snapshot()
    method = method.upper()
    if method not in KNOWN_METHODS:
        fail(f"{method!r} is no method that the proxy passes on", mend="write GET, POST, …")
    target = _target(path)
    headers = _headers(header or [])
    decoded = wsgi_path(target)
    if user is not None:
        address = _introduce(user, snapshot, method, decoded, headers, address)
    claim = snapshot.table.match(method, decoded)
    now = None if running is None else running.facts(claim.capability if claim else None)
    facts = Facts(
        method,
        decoded,
        headers,
        address,
        _mint,
        forced=_forced(headers),
        recent=_recent(wrote, claim, headers, {} if now is None else lags_of(now)),
    )
    explanation = explain_request(target, facts, snapshot)
    if as_json:
        told = explanation.to_dict(method, target)
        print_json(told if now is None else {**told, "live": now})
        return
    _tell(method, target, explanation)
    if now is not None:
        tell_live(now)


def _compile(path: Path) -> Snapshot:
    try:
        loaded = load(path)
        aborted = overrides.load(loaded.state_dir)
    except ConfigError as error:
        fail_with_problems(error.problems)
    except overrides.OverridesError as error:
        fail(str(error))
    return compile_snapshot(loaded.config, aborted, 0)


def _target(text: str) -> bytes:
    try:
        return target_of(text)
    except ValueError as error:
        fail(str(error), mend="write /a/path/" if "://" in text else f"write /{text}")


def _headers(written: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in written:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            fail(f"{line!r} is no header", mend='write --header "Name: value"')
        name, value = name.strip().lower(), value.strip()
        if name == "cookie" and name in headers:
            headers[name] += f"; {value}"
        else:
            headers.setdefault(name, value)
    return headers


def _introduce(
    user: str, snapshot: Snapshot, method: str, path: str, headers: dict[str, str], address: str
) -> str:
    """Make the request ``user``'s, by what the capability recognises users by; gives the address."""
    claim = snapshot.table.match(method, path)
    if claim is None:
        return address
    if claim.sticky.kind == "ip":
        return user
    if claim.sticky.header:
        headers[claim.sticky.header] = user
        return address
    cookies = headers.get("cookie")
    headers["cookie"] = f"{cookies}; {USER_COOKIE}={user}" if cookies else f"{USER_COOKIE}={user}"
    return address


def _forced(headers: dict[str, str]) -> dict[str, Side]:
    """What a Fig-Force among the headers says; ends the command if the proxy would not believe it."""
    value = headers.get("fig-force")
    if value is None:
        return {}
    key = _key("without FIG_SECRET no Fig-Force is believed")
    payload = verify("Fig-Force", value, key, time.time())
    if isinstance(payload, Refusal):
        fail(
            f"the Fig-Force is {payload}, and the proxy would not believe it",
            mend="fig sign force …",
        )
    forced = read_force(payload)
    if forced is None:
        fail("the Fig-Force names no sides", mend="fig sign force CAPABILITY=service")
    return {name: Side(side) for name, side in forced.items()}


def _recent(
    wrote: str | None, claim: Claim | None, headers: dict[str, str], lags: Mapping[str, Lag]
) -> RecentWrites | None:
    """The user's own writes: as --wrote supposes them, else as a fig_wrote among the cookies tells them."""
    now_s = time.time()
    if wrote is not None:
        try:
            at_ms = int((now_s - duration(wrote)) * 1000)
        except PydanticCustomError as error:
            context = error.context or {}
            fail(f"--wrote: {context.get('message')}", mend=str(context.get("mend")))
        taker: Taker = "s" if claim is not None and claim.writes is Writes.SERVICE else "m"
        known = {claim.journey_scope: Wrote(taker, at_ms)} if claim is not None else {}
        return RecentWrites(lambda: known, lags, now_s)
    value = read_cookie(headers.get("cookie", ""), WROTE_COOKIE)
    if value is None:
        return None
    key = _key(f"without FIG_SECRET no {WROTE_COOKIE} can be verified here")
    writes = read_wrote(value, key, int(now_s * 1000))
    if isinstance(writes, Ignored):
        fail(
            f"the {WROTE_COOKIE} is {writes}, and the proxy would not believe it",
            mend="try --wrote 1s",
        )
    return RecentWrites(lambda: writes, lags, now_s)


def _key(why: str) -> bytes:
    """FIG_SECRET; ends the command with ``why`` where it is not set."""
    try:
        key = secret("FIG_SECRET")
    except SecretError as error:
        fail(str(error))
    if not key:
        fail(why, mend="set the proxy's FIG_SECRET here too")
    return key.encode()


def _mint() -> str:
    return base64.urlsafe_b64encode(os.urandom(16)).decode()[:22]


def _tell(method: str, target: bytes, explanation: Explanation) -> None:
    out.print(f"[bold]{method} {escape(target.decode())}[/]")
    width = max(len(step.about) for step in explanation.steps)
    for step in explanation.steps:
        out.print(f"  [cyan]{step.about:<{width}}[/]  {escape(step.says)}")
