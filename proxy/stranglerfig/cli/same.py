"""``fig same``: ask two servers the same, and say whether their answers are the same."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from stranglerfig.cli.output import ConfigOption, ExitCode, JsonFlag, err, fail, out, print_json
from stranglerfig.cli.rules_by_path import rules_by_path
from stranglerfig.compare.asking import Asked, Asking, Crawling
from stranglerfig.compare.diff.difference import Found
from stranglerfig.compare.diff.headers import NOT_COMPARED
from stranglerfig.compare.diff.severity import RANK, weight_of
from stranglerfig.compare.offline import is_missed, place_of, value_text
from stranglerfig.compare.whole import Sameness
from stranglerfig.config.model import Upstream
from stranglerfig.http1.headers import Header

_MOST_PATHS = 10_000
_ERROR = 400
_PATHS_SHOWN, _PLACES_SHOWN, _VALUE_SHOWN = 10, 4, 72
_MEANING = {
    Sameness.IDENTICAL: "status, headers in their order and body, byte for byte",
    Sameness.ALIKE: "other bytes, the same meaning: CSRF tokens made anew and their ETag, an order of members",
    Sameness.UNSTEADY: "differ only as the control differs from itself when it is asked again",
    Sameness.IGNORED: "differ, and rules in fig.rules.yaml cover all of it",
    Sameness.DIFFERENT: "",
    Sameness.NO_ANSWER: "",
}


def same(
    control: Annotated[str, typer.Option(help="URL of the one whose answers are right.")],
    candidate: Annotated[str, typer.Option(help="URL of the one that should answer alike.")],
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="What is asked, such as /api/items/?page=2; / by default."),
    ] = None,
    crawl: Annotated[
        int,
        typer.Option(
            min=0, max=_MOST_PATHS, help="Also follow links, until so many paths were asked."
        ),
    ] = 0,
    paths_from: Annotated[
        Path | None, typer.Option("--from", help="A file with one path a line.")
    ] = None,
    only: Annotated[
        str, typer.Option(help="Follow only links that begin with this, such as /api/.")
    ] = "/",
    skip: Annotated[
        list[str] | None,
        typer.Option(help="Follow no link that holds this text, such as logout; repeatable."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The Host that both are asked for; the control's by default.")
    ] = "",
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", help="A request header, NAME:VALUE; repeatable."),
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="Judge by the fig.rules.yaml beside fig.yaml.")
    ] = False,
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Ask two servers the same by GET, and compare whole answers: status, headers in their order, body.

    Both are asked for one Host, so that links in their answers agree. Where they differ the control is asked again:
    what differs between its own two answers is told apart. Values are shown in clear.

    Ends with 1 when an answer differs or is missing.

    [bold]Examples[/]

      fig same --control http://127.0.0.1:8100 --candidate http://127.0.0.1:8000 --crawl 60

      fig same --control http://127.0.0.1:8100 --candidate http://127.0.0.1:8211 /api/catalog/brands/

      fig same --control http://127.0.0.1:8100 --candidate http://127.0.0.1:8211 --rules --from paths.txt
    """
    sides = _upstream(control, "--control"), _upstream(candidate, "--candidate")
    rules_of = rules_by_path(config) if rules else lambda _: None
    asking = Asking(sides, host or sides[0].authority, _headers(header or []), rules_of)
    wanted = [*(paths or []), *_read_paths(paths_from)] or ["/"]
    for path in wanted:
        if not path.startswith("/") or not path.isascii() or " " in path:
            fail(f"{path!r} is no path to ask for", mend="write it as /api/items/?page=2")
    crawling = Crawling(crawl, only, tuple(skip or ()))
    asked = _run(asking, wanted, crawling)
    if as_json:
        print_json(_as_dict(asking, asked))
    else:
        _tell(asking, asked)
    if any(each.compared.sameness in (Sameness.DIFFERENT, Sameness.NO_ANSWER) for each in asked):
        raise typer.Exit(ExitCode.NO)


def _run(asking: Asking, wanted: list[str], crawling: Crawling) -> list[Asked]:
    columns = (TextColumn("asking both"), BarColumn(), MofNCompleteColumn())
    is_shown = err.is_terminal and not err.is_dumb_terminal
    with Progress(*columns, console=err, transient=True, disable=not is_shown) as progress:
        bar = progress.add_task("", total=max(len(wanted), crawling.most))
        return asyncio.run(
            asking.walk(wanted, crawling, lambda done: progress.update(bar, completed=done))
        )


def _upstream(url: str, option: str) -> Upstream:
    try:
        return Upstream.model_validate({"url": url, "(name)": option})
    except ValidationError as error:
        problem = error.errors()[0]
        mend = problem.get("ctx", {}).get("mend")
        fail(f"{option}: {problem.get('ctx', {}).get('message', problem['msg'])}", mend=mend)


def _headers(lines: list[str]) -> list[Header]:
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not line.isascii() or not line.isprintable():
            fail(f"{line!r} is no header", mend='write --header "Name: value"')
        headers.append((name.strip().encode(), value.strip().encode()))
    return headers


def _read_paths(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"--from: {file} cannot be read: {error}")
    paths = [line.strip() for line in lines if line.strip()]
    if len(paths) > _MOST_PATHS:
        fail(
            f"--from: {file} holds {len(paths):,} paths; {_MOST_PATHS:,} at most are asked at a time",
            mend="give it in parts, or take each path once: sort -u",
        )
    return paths


def _tell(asking: Asking, asked: list[Asked]) -> None:
    counts = Counter(each.compared.sameness for each in asked)
    out.print(f"control    {escape(asking.control.url)}")
    out.print(f"candidate  {escape(asking.candidate.url)}")
    paths = f"{len(asked)} path{'s' * (len(asked) != 1)}"
    out.print(f"asked      {paths} of both, as Host {escape(asking.host)}: {_statuses(asked)}")
    out.print()
    for sameness in Sameness:
        count = counts[sameness]
        if count or sameness in (Sameness.IDENTICAL, Sameness.DIFFERENT):
            meaning = f"   {_MEANING[sameness]}" if count and _MEANING[sameness] else ""
            out.print(f"[bold]{sameness:<10}[/] {count:>5,}{meaning}")
    passed_over = sorted(set().union(*(each.compared.passed_over for each in asked)))
    if passed_over:
        said = "; ".join(f"{name.title()} ({NOT_COMPARED[name]})" for name in passed_over)
        out.print(f"not compared: {said}")
    if hits := sum((Counter(each.compared.hits) for each in asked), Counter()):
        said = ", ".join(f"{rule} {count:,}" for rule, count in sorted(hits.items()))
        out.print(f"rules hit: {escape(said)}")
    if asked and all(each.statuses and min(each.statuses) >= _ERROR for each in asked):
        out.print("[yellow]every answer is an error:[/] does it know the Host? See --host")
    told = [
        each
        for each in asked
        if each.compared.sameness not in (Sameness.IDENTICAL, Sameness.ALIKE, Sameness.IGNORED)
    ]
    for each in told[:_PATHS_SHOWN]:
        _tell_one(each)
    if len(told) > _PATHS_SHOWN:
        out.print(f"\n… and {len(told) - _PATHS_SHOWN:,} more paths: --json has them all")


def _statuses(asked: list[Asked]) -> str:
    statuses = Counter(each.statuses[0] for each in asked if each.statuses)
    return ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items())) or "–"


def _tell_one(one: Asked) -> None:
    out.print(f"\n[bold]{one.compared.sameness}[/]  GET {escape(one.path)}")
    if one.trouble:
        out.print(f"  {escape(one.trouble)}")
    # Another status explains the rest: a page that is not there has no type, and no tag.
    is_other = one.statuses is not None and one.statuses[0] != one.statuses[1]
    shown = one.compared.found[:1] if is_other else _by_weight(one)[:_PLACES_SHOWN]
    for found in shown:
        out.print(f"  {escape(place_of(found))}: {found.kind} ({weight_of(found).severity})")
        if is_missed(found):
            out.print("    a rule expects a change here, and it did not occur")
            continue
        out.print(f"    control    {escape(_cut(value_text(found.control)))}")
        out.print(f"    candidate  {escape(_cut(value_text(found.candidate)))}")
    if (more := len(one.compared.found) - len(shown)) > 0:
        out.print(f"  … and in {more:,} more places")
    if one.compared.is_unsteady_too:
        out.print("  The control differs from itself too; that does not explain the above.")


def _by_weight(one: Asked) -> list[Found]:
    return sorted(one.compared.found, key=lambda found: RANK[weight_of(found).severity])


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE_SHOWN else text[:_VALUE_SHOWN] + "…"


def _as_dict(asking: Asking, asked: list[Asked]) -> dict[str, Any]:
    return {
        "control": asking.control.url,
        "candidate": asking.candidate.url,
        "host": asking.host,
        "counts": dict(Counter(each.compared.sameness.value for each in asked)),
        "answers": [
            {
                "path": each.path,
                "sameness": each.compared.sameness.value,
                "statuses": each.statuses,
                "trouble": each.trouble or None,
                "rules": dict(each.compared.hits),
                "is_unsteady_too": each.compared.is_unsteady_too,
                "found": [
                    {
                        "where": place_of(found),
                        "severity": weight_of(found).severity.value,
                        "why": weight_of(found).why,
                        "kind": found.kind.value,
                        "control": value_text(found.control),
                        "candidate": value_text(found.candidate),
                    }
                    for found in _by_weight(each)
                ],
            }
            for each in asked
        ],
    }
