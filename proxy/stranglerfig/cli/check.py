"""``fig check``: every mistake with its line, and what the files would change in the proxy that runs."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from stranglerfig.cli.check_rules import check_rules
from stranglerfig.cli.output import ConfigOption, ExitCode, JsonFlag, err, out, print_json
from stranglerfig.cli.place import find_place
from stranglerfig.compare.expired_rules import find_expired_rules
from stranglerfig.compare.rule_record import ENOUGH
from stranglerfig.compare.rule_term import today
from stranglerfig.compare.rules import load_rules
from stranglerfig.compare.stray_rules import find_stray_rules
from stranglerfig.config.changed import ChangedKey, changed_keys
from stranglerfig.config.load import Loaded, load, read_text
from stranglerfig.config.problem import ConfigError, Problem
from stranglerfig.config.schema import json_schema
from stranglerfig.control.client import AdminError
from stranglerfig.control.source import FIXED, RULES_NAME
from stranglerfig.routing.difference import Change, routing_difference
from stranglerfig.routing.snapshot import compile_snapshot, read_snapshot
from stranglerfig.tls.needs import doubts, take_up


@dataclass(slots=True)
class _Running:
    """What the files would change in the proxy that runs."""

    generation: int
    keys: list[ChangedKey] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)
    """Keys that only a restart takes over."""


def check(
    config: ConfigOption = "fig.yaml",
    schema: Annotated[
        bool, typer.Option("--schema", help="Print a JSON Schema of fig.yaml for editors, and end.")
    ] = False,
    rules: Annotated[
        bool,
        typer.Option(
            "--rules",
            help="Say of each rule how often it was hit; fail for what expired, is of no use, or expects in vain.",
        ),
    ] = False,
    enough: Annotated[
        int,
        typer.Option(
            min=1, help="With --rules: so many comparisons without a hit make a rule useless."
        ),
    ] = ENOUGH,
    as_json: JsonFlag = False,
) -> None:
    """Show every mistake in fig.yaml and fig.rules.yaml, which keys differ from what runs, and what would go elsewhere.

    Ends with 2 if there is a mistake; with --rules with 1 if a rule fails. Changes nothing.

    [bold]Examples[/]

      fig check

      fig check --config staging.yaml --json | jq '.keys, .changes'

      fig check --schema > fig.schema.json

      fig check --rules
    """
    if schema:
        print_json(json_schema())
        return
    if rules:
        check_rules(find_place(config), enough, as_json=as_json)
        return
    loaded, problems = _read(Path(config))
    running, trouble = _compare(loaded, config) if loaded and not problems else (None, None)
    if as_json:
        _tell_json(loaded, problems, running, trouble)
    else:
        _tell(loaded, problems, running, trouble)
    if problems:
        raise typer.Exit(ExitCode.USAGE)


def _read(path: Path) -> tuple[Loaded | None, tuple[Problem, ...]]:
    """Both files, with the mistakes of both."""
    loaded: Loaded | None = None
    problems: tuple[Problem, ...] = ()
    try:
        loaded = load(path)
    except ConfigError as error:
        problems = error.problems
    else:
        good, findings = take_up(loaded.config)
        problems = loaded.place(findings)
        untimely = loaded.place(doubts(loaded.config, good, time.time()))
        loaded = replace(loaded, warnings=(*loaded.warnings, *untimely))
    rules = path.with_name(RULES_NAME)
    try:
        load_rules(rules)
        if loaded is not None and rules.exists():
            text = read_text(rules)
            found = (
                *find_stray_rules(text, rules, loaded.config),
                *find_expired_rules(text, rules, today()),
            )
            loaded = replace(loaded, warnings=(*loaded.warnings, *found))
    except ConfigError as error:
        problems += error.problems
    return loaded, problems


def _compare(loaded: Loaded, config: str) -> tuple[_Running | None, str | None]:
    """What would change in the proxy that runs; or why that cannot be said."""
    client = find_place(config).client
    if client is None:
        return None, None
    try:
        found = client.config()
        running = read_snapshot(
            found["config"], found.get("overrides", {}), int(found["generation"])
        )
    except AdminError as error:
        return None, str(error)
    except (KeyError, ValueError) as error:
        return None, f"the proxy that runs is of another version: {error}"
    written = compile_snapshot(loaded.config, running.overrides, running.generation + 1)
    keys = changed_keys(running.config, loaded.config)
    changes = routing_difference(running, written)
    restart = [key for key in FIXED if getattr(running.config, key) != getattr(loaded.config, key)]
    return _Running(running.generation, keys, changes, restart), None


def _tell_json(
    loaded: Loaded | None,
    problems: tuple[Problem, ...],
    running: _Running | None,
    trouble: str | None,
) -> None:
    told: dict[str, Any] = {
        "ok": not problems,
        "problems": [problem.to_dict() for problem in problems],
        "warnings": [warning.to_dict() for warning in loaded.warnings] if loaded else [],
        "digest": loaded.digest if loaded else None,
        "running": None,
        "keys": [],
        "changes": [],
        "restart": [],
    }
    if running:
        told["running"] = {"generation": running.generation}
        told["keys"] = [key.to_dict() for key in running.keys]
        told["changes"] = [change.to_dict() for change in running.changes]
        told["restart"] = running.restart
    if trouble:
        told["running"] = {"error": trouble}
    print_json(told)


def _tell(
    loaded: Loaded | None,
    problems: tuple[Problem, ...],
    running: _Running | None,
    trouble: str | None,
) -> None:
    for problem in problems:
        err.print(f"[bold red]error:[/] {escape(str(problem))}")
    if loaded is None or problems:
        err.print(
            f"{len(problems)} mistake{'s' * (len(problems) != 1)}; nothing would be taken over"
        )
        return
    for warning in loaded.warnings:
        err.print(f"[bold yellow]warning:[/] {escape(str(warning))}")
    config = loaded.config
    routes = sum(len(capability.routes) for capability in config.capabilities.values())
    out.print(
        f"[bold]{escape(str(loaded.path))}[/] is fine: upstreams {len(config.upstreams)}, "
        f"capabilities {len(config.capabilities)}, routes {routes}"
    )
    if trouble:
        err.print(f"[bold yellow]warning:[/] not compared with what runs: {escape(trouble)}")
    elif running is None:
        out.print("no proxy runs on it, so there is nothing to compare with")
    else:
        _tell_changes(running)


def _tell_changes(running: _Running) -> None:
    for key in running.restart:
        err.print(f"[bold yellow]warning:[/] {key} differs from what runs, and needs a restart")
    if running.keys:
        out.print(f"against generation {running.generation}, these keys differ:")
    for changed in running.keys:
        out.print(f"  {escape(str(changed))}")
    if not running.changes:
        out.print(f"no request would go elsewhere than in generation {running.generation}")
        return
    out.print(f"against generation {running.generation}, these requests would go elsewhere:")
    for change in running.changes:
        out.print(f"  [bold]{escape(change.requests)}[/]")
        out.print(f"    [red]-[/] {escape(change.before)}")
        out.print(f"    [green]+[/] {escape(change.after)}")
