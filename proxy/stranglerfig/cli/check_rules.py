"""``fig check --rules``: whether each rule of fig.rules.yaml has earned its place."""

from datetime import date
from pathlib import Path

import typer
from rich.markup import escape

from stranglerfig.cli.differences import read_differences
from stranglerfig.cli.output import ExitCode, fail_with_problems, local_time, out, print_json
from stranglerfig.cli.place import Place
from stranglerfig.compare.rule_record import (
    FAILING,
    RuleRecord,
    Standing,
    absent_by_place,
    records_of,
)
from stranglerfig.compare.rule_term import today
from stranglerfig.compare.rules import Action, Rule, load_rules
from stranglerfig.compare.stray_rules import is_stray
from stranglerfig.config.load import load
from stranglerfig.config.problem import ConfigError
from stranglerfig.control.source import RULES_NAME
from stranglerfig.counters import COUNTERS_NAME, read_all

_SOON_DAYS = 14
_STYLES = {Standing.FINE: "green", Standing.NOT_ENOUGH: "yellow"}


def check_rules(place: Place, enough: int, *, as_json: bool) -> None:
    """Print what each rule was good for; ends the command with 1 when one fails, and with 2 when a file is bad."""
    path = place.config_path.with_name(RULES_NAME)
    records = _records(place, path)
    day = today()
    failing = [each for each in records if each.standing(day, enough) in FAILING]
    if as_json:
        print_json(
            {
                "ok": not failing,
                "enough": enough,
                "rules": [each.to_dict(day, enough) for each in records],
            }
        )
    else:
        _tell(path, records, day, enough)
    if failing:
        raise typer.Exit(ExitCode.NO)


def _records(place: Place, path: Path) -> list[RuleRecord]:
    try:
        config = load(place.config_path).config
        rules = load_rules(path)
    except ConfigError as error:
        fail_with_problems(error.problems)
    unsettled = [each.cluster for each in read_differences(place) if not each.is_settled]
    return records_of(
        rules,
        read_all(place.state_dir / COUNTERS_NAME),
        absent_by_place(unsettled),
        lambda rule: is_stray(rule, config),
    )


def _tell(path: Path, records: list[RuleRecord], day: date, enough: int) -> None:
    if not records:
        out.print(f"There are no rules: {escape(str(path))} is not there, or is empty.")
        return
    width = max(len(each.standing(day, enough)) for each in records)
    for each in records:
        standing = each.standing(day, enough)
        rule = each.rule
        style = _STYLES.get(standing, "bold red")
        out.print(
            f"[{style}]{standing:<{width}}[/]  [bold]{escape(rule.name)}[/]  {escape(_what(rule))}"
        )
        for line in _about(each, standing, day, enough):
            out.print(f"{' ' * width}  {escape(line)}")
    counts = {
        standing: sum(each.standing(day, enough) is standing for each in records)
        for standing in Standing
    }
    said = ", ".join(f"{count} {standing}" for standing, count in counts.items() if count)
    out.print(f"\n{len(records)} rule{'s' * (len(records) != 1)}: {said}")


def _what(rule: Rule) -> str:
    path = f" {rule.path}" if rule.path else ""
    return f"{rule.action} {rule.where}{path} · {rule.route or rule.capability}"


def _about(record: RuleRecord, standing: Standing, day: date, enough: int) -> list[str]:
    rule = record.rule
    lines = [_hits(record, enough)] if record.is_counted else ["shows values, hits nothing"]
    if rule.owner or rule.expires:
        until = f"until {rule.expires}" if rule.expires else "without an end"
        left = (rule.expires - day).days if rule.expires else _SOON_DAYS
        soon = f" ({left} days left)" if 0 <= left < _SOON_DAYS else ""
        lines.append(f"{rule.owner or 'nobody'}, {until}{soon}")
    match standing:
        case Standing.STRAY:
            lines.append("fig.yaml has no such capability or route: remove the rule, or mend it")
        case Standing.EXPIRED:
            lines.append(
                "it covers nothing any more: remove it, or if it still holds set a new day"
            )
        case Standing.UNUSED:
            lines.append("nothing that it covers occurs: remove it")
        case Standing.ABSENT:
            assert record.absent is not None
            lines.append(
                f"{record.absent.count:,} times what it expects did not occur: fig diffs show {record.absent.id}"
            )
    return lines


def _hits(record: RuleRecord, enough: int) -> str:
    word = "occurred" if record.rule.action is Action.EXPECT else "hit"
    compared = f"{record.held:,} comparison{'s' * (record.held != 1)}"
    if not record.held:
        return "nothing was compared by it yet"
    if record.met:
        last = f", last {local_time(record.met_at)}" if record.met_at else ""
        return f"{word} in {record.met:,} of {compared}{last}"
    if record.held >= enough and record.bound is not None:
        return f"never {word} in {compared}: in fewer than {record.bound:.2%} of answers (95 %)"
    return f"never {word} in {compared}; that says something from {enough:,} on"
