"""``fig diffs mark``: write down what was decided about a difference, by whom and why."""

import time
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.markup import escape

from stranglerfig.cli.differences import difference_dict, find_difference, read_differences
from stranglerfig.cli.output import ConfigOption, ExitCode, JsonFlag, fail, out, print_json
from stranglerfig.cli.place import find_place
from stranglerfig.compare.account import Account, read_accounts
from stranglerfig.compare.store import OTHERS
from stranglerfig.compare.triage import History, Mark, State, Triaged, signature_of
from stranglerfig.compare.triage_file import append_mark
from stranglerfig.control import audit

_LONGEST_WHY: Final = 500


class Decision(StrEnum):
    """What can be decided."""

    FIXED = "fixed"
    EXPECTED = "expected"
    OPEN = "open"


def mark(
    which: Annotated[
        str,
        typer.Argument(metavar="ID", help="The number in `fig diffs`; or the place, '$.price'."),
    ],
    state: Annotated[Decision, typer.Argument(help="What was decided.")],
    why: Annotated[str, typer.Option(help="The reason: the next person asks.")],
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Say what was decided about a difference; who and when is written down too.

    [b]fixed[/]: it must not be seen again; if it is, it is listed as reopened,
    with the generation in which it came back.

    [b]expected[/]: it is meant to differ, and must go on occurring; `fig diffs`
    says so when it has stopped.

    [b]open[/]: takes the decision back.

    A mark changes what is listed and how `fig diffs` ends, never what is
    counted: only a rule in fig.rules.yaml takes it out of `different`.

    [bold]Examples[/]

      fig diffs mark 3 fixed --why "release 3 writes prices as before"

      fig diffs mark '$.stock' expected --why "the app of spring shows it"
    """
    why = why.strip()
    if not why or len(why) > _LONGEST_WHY or not why.isprintable():
        fail(
            "say why with --why TEXT",
            mend=f"one line of at most {_LONGEST_WHY} characters; the next person will ask",
        )
    place = find_place(config)
    each = find_difference(which, read_differences(place))
    cluster = each.cluster
    if cluster.path == OTHERS:
        fail(
            f"{cluster.id} stands for many places, of which each may have another cause",
            mend="mend and mark the ones that are listed by their place",
        )
    account = read_accounts(place.state_dir).get(cluster.capability, Account())
    decided = Mark(
        State(state.value), time.time(), audit.whoami(), why, cluster.count, account.compared
    )
    try:
        append_mark(place.state_dir, signature_of(cluster), decided)
    except OSError as error:
        fail(
            f"{place.state_dir} can't be written: {error.strerror or error}",
            mend="make room or mend its rights, then mark again",
            code=ExitCode.NO,
        )
    audit.append(
        place.state_dir,
        "difference_marked",
        who=decided.who,
        why=why,
        state=state.value,
        cluster=signature_of(cluster)._asdict(),
    )
    history = History([*each.history.marks, decided], None, [*each.history.past, decided])
    now = replace(each, history=history, unseen=0)
    if as_json:
        print_json(difference_dict(now))
    else:
        _tell(now, was=each.state)


def _tell(now: Triaged, was: State) -> None:
    cluster = now.cluster
    out.print(
        f"{cluster.id} is [bold]{now.state}[/] (it was {was}): {cluster.kind} at {escape(cluster.place)}"
        f" of {escape(cluster.route)}"
    )
    match now.state:
        case State.FIXED:
            out.print("If it is seen again from now on, fig diffs lists it as reopened.")
        case State.EXPECTED:
            mark = now.history.mark
            assert mark is not None
            out.print(
                f"If {mark.patience:,} comparisons of its route come without it, fig diffs ends with 1. It is still counted as"
                " different;\na rule with `action: expect` changes that, and asks every answer for it."
            )
