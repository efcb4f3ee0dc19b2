"""``fig init``: a first fig.yaml for an application that runs already."""

import json
import os
from pathlib import Path
from typing import Annotated

import requests
import typer
from rich.markup import escape

from stranglerfig.cli.output import (
    ConfigOption,
    ExitCode,
    JsonFlag,
    err,
    fail,
    out,
    print_json,
)
from stranglerfig.config.example import example_text
from stranglerfig.config.load import parse
from stranglerfig.config.problem import ConfigError

_PROBE_TIMEOUT_S = 2.0

_TEXT = """\
# The routing proxy in front of {upstream}. Reload is automatic: save, and it holds within a second.
# Every key with its default: fig init --example. Every mistake with its line: fig check.

listen: {listen}     # where clients connect
admin: {admin}      # status, API and /metrics

upstreams:
  monolith: {upstream}
  # catalog: http://127.0.0.1:8211

# Who answers what no capability claims.
fallthrough: monolith

# What moves to a service. Take the signs away, and change one word: monolith, shadow, canary, service.
capabilities:
  # catalog:
  #   upstream: catalog
  #   stage: shadow              # monolith | shadow | canary | service: change this word
  #   percent: 10                # of users, in canary
  #   routes:
  #     - GET /api/catalog/**
"""


def init(
    upstream: Annotated[
        str, typer.Option(help="URL of the application, such as http://127.0.0.1:8100.")
    ] = "",
    listen: Annotated[str, typer.Option(help="Where clients connect.")] = "127.0.0.1:8000",
    admin: Annotated[str, typer.Option(help="Status, API and metrics.")] = "127.0.0.1:8001",
    config: ConfigOption = "fig.yaml",
    example: Annotated[
        bool, typer.Option("--example", help="Print the annotated example, and write nothing.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write a first fig.yaml for an application that runs already. Nothing changes for its users yet.

    An existing file is never overwritten. The application is asked once; if it gives no answer that is a warning.

    [bold]Examples[/]

      fig init --upstream http://127.0.0.1:8100

      fig init --upstream http://10.0.0.5:8000 --listen 0.0.0.0:80 --config /etc/fig/fig.yaml
    """
    if example:
        if as_json:
            print_json({"example": example_text()})
        else:
            typer.echo(example_text(), nl=False)
        return
    if not upstream:
        fail("say where the application answers", mend="fig init --upstream http://127.0.0.1:8100")
    path = Path(config)
    _check(upstream, listen, admin, path)
    words = {"upstream": upstream, "listen": listen, "admin": admin}
    _write(path, _TEXT.format(**{name: _in_yaml(word) for name, word in words.items()}))
    status, trouble = _probe(upstream)
    if as_json:
        print_json({"file": str(path), "upstream": upstream, "answers": status})
        return
    out.print(f"wrote [bold]{escape(str(path))}[/]")
    if trouble is not None:
        err.print(f"[bold yellow]warning:[/] {escape(upstream)} {escape(trouble)}")
    else:
        out.print(f"{escape(upstream)} answers (status {status})")
    option = "" if config == "fig.yaml" else f" --config {config}"
    out.print(f"next: [bold]fig serve{escape(option)}[/], then open http://{escape(listen)}/")


def _in_yaml(word: str) -> str:
    """A checked word as YAML has it: an IPv6 address begins with a bracket, and that with a list."""
    return f'"{word}"' if "[" in word else word


def _check(upstream: str, listen: str, admin: str, path: Path) -> None:
    """End the command if what was given makes no usable file."""
    given = {"listen": listen, "admin": admin, "upstreams": {"monolith": upstream}}
    try:
        parse(json.dumps(given), path)
    except ConfigError as error:
        names = {"upstreams.monolith": "--upstream", "upstreams.monolith.url": "--upstream"}
        for problem in error.problems:
            option = names.get(
                problem.where, f"--{problem.where}" if problem.where else "the options"
            )
            err.print(
                f"[bold red]error:[/] {escape(f'{option}: {problem.message}. Mend: {problem.mend}')}"
            )
        raise typer.Exit(ExitCode.USAGE) from None


def _write(path: Path, text: str) -> None:
    try:
        # Never over a file that is there, also if it came a moment ago.
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        fail(
            f"{path} is there already, and is not overwritten",
            mend="change it, or write another file with --config",
            code=ExitCode.NO,
        )
    except OSError as error:
        fail(
            f"{path} cannot be written: {error.strerror}", mend="choose another place with --config"
        )


def _probe(upstream: str) -> tuple[int | None, str | None]:
    """The status of the application's first page; or why there is none."""
    session = requests.Session()
    session.trust_env = False  # the proxy will not use a proxy of the environment either
    try:
        with session.get(
            upstream, timeout=_PROBE_TIMEOUT_S, allow_redirects=False, stream=True
        ) as answer:
            return answer.status_code, None
    except requests.exceptions.SSLError:
        return None, (
            "shows a certificate that is not accepted; name who signed it under tls.ca of its upstream "
            "(fig init --example shows where)"
        )
    except requests.RequestException:
        return None, "gives no answer now; start the application first"
