"""``fig diffs show``: one difference whole, how to ask both sides again, and what was decided about it."""

from dataclasses import asdict, replace
from typing import Annotated, Any, Final

import typer

from stranglerfig.cli.as_test import STDOUT, write_case
from stranglerfig.cli.command import Command
from stranglerfig.cli.differences import (
    difference_dict,
    find_difference,
    read_differences,
    shapes_shown,
)
from stranglerfig.cli.one_difference import print_difference
from stranglerfig.cli.output import (
    ConfigOption,
    ExitCode,
    JsonFlag,
    fail,
    iso_time,
    print_json,
)
from stranglerfig.cli.place import Place, config_of, find_place
from stranglerfig.compare.reading import StoreError, read_example
from stranglerfig.compare.record import Cluster, ClusterDetail
from stranglerfig.compare.reproduce import (
    curl_command,
    ignore_rule,
    missing_of,
    same_command,
    why_no_rule,
)
from stranglerfig.compare.rule_term import today
from stranglerfig.compare.rules import COVERING, Rule, load_rules
from stranglerfig.compare.store import STORE_NAME
from stranglerfig.compare.triage import Triaged
from stranglerfig.config.model import Config
from stranglerfig.config.problem import ConfigError
from stranglerfig.control.source import RULES_NAME

BOTH: Final = "both, with values in clear"


class ShowCommand(Command):
    """``--as-test`` may stand without a file: then the case is printed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The same words, with ``-`` behind an ``--as-test`` that has no file."""
        words: list[str] = []
        for word, after in zip(args, [*args[1:], None], strict=True):
            words.append(word)
            if word == "--as-test" and (after is None or (after != STDOUT and after[0:1] == "-")):
                words.append(STDOUT)
        return super().parse_args(ctx, words)


def show(
    which: Annotated[
        str,
        typer.Argument(metavar="ID", help="The number in `fig diffs`; or the place, '$.price'."),
    ],
    examples: Annotated[
        int, typer.Option(min=1, help="How many of the kept examples, the newest.")
    ] = 7,
    smallest: Annotated[
        bool, typer.Option("--smallest", help="The example with the smallest answers alone.")
    ] = False,
    as_test: Annotated[
        str | None,
        typer.Option(
            "--as-test",
            metavar="[FILE]",
            help="Write a case for pytest that fails until this is mended; without FILE, or with -, print it.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Let --as-test replace a file that is there.")
    ] = False,
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Show one difference: both values side by side as shapes, and how to ask both sides again.

    Values are kept as type, length, digit pattern and a keyed hash; in clear only where a rule in fig.rules.yaml
    says [b]action: show[/]. The commands ask for the last of the examples that are shown.

    [bold]Examples[/]

      fig diffs show 3

      fig diffs show 3 --smallest

      fig diffs show '$.results[].price.amount' --examples 1

      fig diffs show 3 --as-test tests/test_price.py
    """
    place = find_place(config)
    known = read_differences(place)
    each = find_difference(which, known)
    try:
        detail = read_example(place.state_dir / STORE_NAME, each.cluster.id)
    except StoreError as error:
        fail(str(error), code=ExitCode.NO)
    if detail is None:  # moved aside in between
        fail(f"there is no difference {each.cluster.id} any more", mend="fig diffs lists them")
    if as_test is not None:
        write_case(detail, as_test, _urls(detail, config_of(place)), may_replace=force)
        return
    kept = detail.examples[-examples:]
    if smallest and detail.smallest is not None:
        kept = (detail.smallest,)
    shown = replace(detail, examples=kept)
    commands = _commands(shown, config_of(place))
    if as_json:
        print_json(_detail_dict(each, shown, commands))
    else:
        shapes = shapes_shown(each.cluster, [one.cluster for one in known])
        expired = _expired_rules(place, each.cluster)
        print_difference(each, shown, commands, shapes, expired, detail.smallest)


def _expired_rules(place: Place, cluster: Cluster) -> list[Rule]:
    """The rules that covered a difference until they expired: mostly why it is there again."""
    try:
        rules = load_rules(place.config_path.with_name(RULES_NAME)).rules
    except ConfigError:  # fig check says what is wrong with it
        return []
    return [
        rule
        for rule in rules
        if rule.action in COVERING
        and not rule.holds_on(today())
        and rule.holds_for(cluster.capability, cluster.route)
        and rule.where == cluster.where
        and rule.path in (None, cluster.path)
        and cluster.kind in rule.kinds
    ]


def _urls(detail: ClusterDetail, config: Config | None) -> dict[str, str]:
    """Where both sides are, as far as they are still in the config."""
    if not detail.examples or config is None:
        return {}
    exchange = detail.examples[-1].exchange
    upstreams = {"monolith": exchange.control, "service": exchange.candidate}
    return {
        side: config.upstreams[name].url
        for side, name in upstreams.items()
        if name in config.upstreams
    }


def _commands(detail: ClusterDetail, config: Config | None) -> dict[str, str]:
    """How to ask both sides what the newest example asked; without the sides that are no longer in the config."""
    urls = _urls(detail, config)
    if not urls:
        return {}
    exchange = detail.examples[-1].exchange
    commands = {side: curl_command(exchange.request, at) for side, at in urls.items()}
    if len(urls) == 2:  # both sides
        both = same_command(exchange.request, urls["monolith"], urls["service"])
        if both is not None:
            commands[BOTH] = both
    return commands


def _detail_dict(each: Triaged, detail: ClusterDetail, commands: dict[str, str]) -> dict[str, Any]:
    cluster = each.cluster
    why_none = why_no_rule(cluster)
    request = detail.examples[-1].exchange.request if detail.examples else None
    return {
        **difference_dict(each),
        "decisions": [{**asdict(event), "at": iso_time(event.at)} for event in each.history.past],
        "examples": [example.to_dict() for example in detail.examples],
        "curl": {side: command for side, command in commands.items() if side != BOTH},
        "not_kept": missing_of(request) if request is not None else [],
        "same": commands.get(BOTH),
        "rule": None if why_none else ignore_rule(cluster, today()),
        "why_no_rule": why_none,
    }
