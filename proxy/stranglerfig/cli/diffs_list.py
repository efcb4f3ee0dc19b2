"""``fig diffs``: the listing, and what became of every request that was to be compared."""

import time
from collections import Counter
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.text import Text

from stranglerfig.cli.accounts import print_accounts
from stranglerfig.cli.coverage import show_coverage
from stranglerfig.cli.differences import (
    difference_dict,
    read_differences,
    shapes_shown,
    state_line,
)
from stranglerfig.cli.noise import (
    lag_dict,
    lag_of_places,
    noise_dict,
    noise_of,
    print_lag,
    print_noise,
)
from stranglerfig.cli.output import (
    ConfigOption,
    ExitCode,
    JsonFlag,
    fail,
    local_time,
    out,
    print_json,
)
from stranglerfig.cli.place import Place, config_of, find_place
from stranglerfig.compare.account import Account, lag_of, read_accounts
from stranglerfig.compare.marks import Mark, read_marks
from stranglerfig.compare.triage import State, Triaged
from stranglerfig.config.scalar import duration

_SHOWN: Final = 30
CHANGE: Final = "change"


class Shown(StrEnum):
    """Which differences are listed."""

    UNFIXED = "unfixed"
    OPEN = "open"
    EXPECTED = "expected"
    FIXED = "fixed"
    REOPENED = "reopened"
    ALL = "all"

    def takes(self, each: Triaged) -> bool:
        """Whether a difference is one of these."""
        if self is Shown.UNFIXED:
            return each.state is not State.FIXED
        return self is Shown.ALL or each.state.value == self.value


def list_(
    capability: Annotated[
        str | None, typer.Argument(help="Only this capability.", show_default=False)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only what was seen in the last 10m, 2h, …; change: since stage, share or rules last changed."
        ),
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(help="Only those with a kept example of this trace id, or request id."),
    ] = None,
    state: Annotated[Shown, typer.Option(help="Only those that stand so.")] = Shown.UNFIXED,
    limit: Annotated[int, typer.Option(min=1, help="How many differences to print.")] = _SHOWN,
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage",
            help="Instead: how sure each kind of request is, and what was never compared.",
        ),
    ] = False,
    within: Annotated[
        str, typer.Option(help="With --coverage: the share of differing answers to rule out.")
    ] = "1%",
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """List differences, what matters most first, and what became of every request that was to be compared.

    The word `list` can be left out. [bold]fig diffs show ID[/] shows one difference
    whole, [bold]fig diffs mark ID[/] says what was decided about it: what is fixed
    is listed again when it comes back.

    What heals when both sides are asked again is lag; a value in which the
    monolith differs from itself is noise. Both are counted apart.

    Ends with 1 when something differs that is neither fixed nor expected, or
    what is expected has stopped. A difference is a kind at a place of a route,
    however often it was seen.

    [bold]Examples[/]

      fig diffs catalog

      fig diffs show 3

      fig diffs --since change

      fig diffs --state reopened

      fig diffs --coverage --within 0.1%

      fig diffs --since 10m --json | jq '.clusters[] | {id, kind, where, path, count}'
    """
    place = find_place(config)
    if coverage:
        if capability is not None:
            _check_name(capability, place, read_accounts(place.state_dir))
        show_coverage(place, capability, within, as_json=as_json)
        return
    accounts = read_accounts(place.state_dir)
    marks = read_marks(place.state_dir) if since == CHANGE else {}
    is_timed = since is not None and since != CHANGE
    after = time.time() - _seconds(since) if since is not None and is_timed else 0.0
    found = _found(place, capability, after, trace, marks)
    for name, mark in marks.items():
        if name in accounts:
            accounts[name] = accounts[name].since(mark.account)
    if capability is not None:
        _check_name(capability, place, accounts)
        accounts = {name: account for name, account in accounts.items() if name == capability}
    listed = [each for each in found if state.takes(each)]
    noise, lags = noise_of(place, capability), lag_of(place.state_dir)
    healed = lag_of_places(place, capability)
    if as_json:
        print_json(
            {
                "accounts": {
                    name: {**account.to_dict(), "lag_s": lags.get(name)}
                    for name, account in accounts.items()
                },
                "clusters": [difference_dict(each) for each in listed],
                "noise": [noise_dict(row) for row in noise],
                "lag": [lag_dict(row) for row in healed],
            }
        )
    else:
        print_accounts(accounts, capability, lags)
        if is_timed:
            out.print(f"[dim]the account is of all that was counted; below, the last {since}[/]")
        _print_differences(listed, limit)
        _print_unlisted(found, listed)
        print_lag(healed)
        print_noise(noise)
    is_counted = not is_timed and trace is None and _is_unexplained(accounts, found)
    if is_counted or not all(each.is_settled for each in found):
        raise typer.Exit(ExitCode.NO)


def _found(
    place: Place, capability: str | None, after: float, trace: str | None, marks: dict[str, Mark]
) -> list[Triaged]:
    """What was seen in the time that is asked for, and what is expected and has stopped, which was not."""
    found = [
        each
        for each in read_differences(place, capability=capability, trace=trace)
        if each.has_stopped
        or each.cluster.last_seen >= max(after, _began(marks, each.cluster.capability))
    ]
    # What is settled needs nobody: it stands below what does.
    return sorted(found, key=lambda each: each.is_settled)


def _began(marks: dict[str, Mark], capability: str) -> float:
    return marks[capability].at if capability in marks else 0.0


def _is_unexplained(accounts: dict[str, Account], found: list[Triaged]) -> bool:
    """Whether answers are counted as different of which no difference was kept."""
    explained = {each.cluster.capability for each in found}
    return any(account.different and name not in explained for name, account in accounts.items())


def _seconds(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        fail(f"--since: {error}", mend="write 90s, 10m, 2h or change")


def _check_name(capability: str, place: Place, accounts: dict[str, Account]) -> None:
    config = config_of(place)
    known = {*accounts, *(config.capabilities if config is not None else ())}
    if capability not in known:
        names = ", ".join(sorted(known)) or "none"
        fail(f"there is no capability {capability!r}", mend=f"known ones: {names}")


def _print_differences(found: list[Triaged], limit: int) -> None:
    if not found:
        return
    # Lines instead of a table: a path that is folded or cut at 80 columns could not be copied.
    shown = found[:limit]
    clusters = [each.cluster for each in found]
    id_width = max(2, *(len(_number(each)) for each in shown))
    count_width = max(5, *(len(f"{each.cluster.count:,}") for each in shown))
    out.print(
        f"\n[bold]{'id':>{id_width}}  {'count':>{count_width}}  {'severity':<9}  {'kind':<9}  where[/]"
    )
    indent = " " * (id_width + count_width + 15)  # below the kinds
    for each in shown:
        cluster = each.cluster
        out.print(
            f"{_number(each):>{id_width}}  {cluster.count:>{count_width},}  {cluster.weight.severity:<9}  {cluster.kind:<9}  {escape(cluster.place)}"
        )
        shapes = shapes_shown(cluster, clusters)
        about = [*([shapes] if shapes else []), cluster.route]
        first, last = local_time(cluster.first_seen), local_time(cluster.last_seen)
        if first.split()[0] == last.split()[0]:
            last = last.split()[1]
        seen = [f"first {first}", f"last {last}"]
        for line in _fitting(indent, about, seen if cluster.count else ["in no store any more"]):
            out.print(f"{indent}[dim]{escape(line)}[/]")
        if line := state_line(each):
            out.print(_cut(f"{indent}{line}"))
    out.print()
    if len(found) > limit:
        out.print(f"… and {len(found) - limit:,} more: --limit {len(found)}")
    if number := next((each.cluster.id for each in found if each.cluster.id), 0):
        out.print(f"Look at one: fig diffs show {number}")


def _number(each: Triaged) -> str:
    return str(each.cluster.id or "–")


def _fitting(indent: str, about: list[str], seen: list[str]) -> list[str]:
    """One line, or two where the terminal is narrow."""
    whole = " · ".join([*about, *seen])
    if not out.is_terminal or len(indent) + len(whole) <= out.width:
        return [whole]
    return [" · ".join(about), " · ".join(seen)]


def _cut(markup: str) -> Text:
    """A line that ends with somebody's words, cut to the terminal: `show` has them whole."""
    line = Text.from_markup(markup)
    if out.is_terminal:
        line.truncate(out.width, overflow="ellipsis")
    return line


def _print_unlisted(found: list[Triaged], listed: list[Triaged]) -> None:
    """How many are left out by their state, and how to see them."""
    left_out = Counter(each.state.value for each in found)
    left_out.subtract(each.state.value for each in listed)
    for state, count in sorted(left_out.items()):
        if count:
            out.print(f"[dim]{count:,} {state}, not listed: fig diffs --state {state}[/]")
