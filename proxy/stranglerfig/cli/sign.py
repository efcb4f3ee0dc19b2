"""``fig sign``: the signed headers that testers send."""

import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from stranglerfig.cli.command import Command, Group
from stranglerfig.cli.output import ConfigOption, JsonFlag, err, fail, print_json
from stranglerfig.config.load import load
from stranglerfig.config.problem import ConfigError
from stranglerfig.config.scalar import Seconds
from stranglerfig.control.environment import SecretError, secret
from stranglerfig.signing import sign as seal
from stranglerfig.signing.force import read_force, write_force
from stranglerfig.signing.seal import SHORTEST_GOOD_KEY

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Sign the headers that testers send, with FIG_SECRET. The line can be handed to curl with -H.",
)

Lifetime = Annotated[
    str, typer.Option("--for", help="How long it is believed: 10m, 1h; at most 24h.")
]


@app.command(cls=Command)
def force(
    sides: Annotated[list[str], typer.Argument(help="CAPABILITY=service or CAPABILITY=monolith.")],
    lifetime: Lifetime = "1h",
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Send this client to one side, whatever its bucket. Such requests are kept out of the evidence.

    [bold]Examples[/]

      curl -H "$(fig sign force catalog=service --for 1h)" http://127.0.0.1:8000/api/catalog/products/
    """
    wanted = read_force(",".join(sides))
    if wanted is None:
        fail(
            f"{' '.join(sides)!r} does not say who goes where, or says it twice",
            mend="write CAPABILITY=service or CAPABILITY=monolith, each once",
        )
    _check_names(set(wanted), Path(config))
    _print("Fig-Force", write_force(wanted), lifetime, as_json)


@app.command(cls=Command)
def debug(lifetime: Lifetime = "1h", as_json: JsonFlag = False) -> None:
    """Ask for the answer header Fig-Plan: which route, side and stage answered.

    [bold]Examples[/]

      curl -si -H "$(fig sign debug)" http://127.0.0.1:8000/ | grep -i fig-plan
    """
    _print("Fig-Debug", "plan", lifetime, as_json)


def _check_names(names: set[str], config: Path) -> None:
    """End the command for a capability that fig.yaml does not have. Without a usable file nothing is known."""
    try:
        known = load(config).config.capabilities
    except ConfigError:
        return
    if unknown := sorted(names - set(known)):
        fail(
            f"there is no capability {unknown[0]!r} in {config}",
            mend=f"it has {', '.join(known) or 'none'}",
        )


def _print(name: str, payload: str, lifetime: str, as_json: bool) -> None:
    key = _key()
    expires = int(time.time() + _seconds(lifetime)) + 1
    try:
        value = seal(name, payload, expires, key)
    except ValueError as error:
        fail(f"{name} cannot be signed: {error}")
    if as_json:
        print_json({"header": name, "value": value, "expires": expires})
    else:
        typer.echo(f"{name}: {value}")


def _key() -> bytes:
    try:
        key = secret("FIG_SECRET")
    except SecretError as error:
        fail(str(error))
    if not key:
        fail(
            "FIG_SECRET is not set, and nothing can be signed without it",
            mend="set it (or FIG_SECRET_FILE) to the secret that fig serve was started with",
        )
    if len(key) < SHORTEST_GOOD_KEY:
        err.print(
            f"[bold yellow]warning:[/] FIG_SECRET has fewer than {SHORTEST_GOOD_KEY} characters and can be guessed; "
            "who guesses it signs as you do"
        )
    return key.encode()


def _seconds(lifetime: str) -> float:
    try:
        return TypeAdapter(Seconds).validate_python(lifetime)
    except ValidationError as error:
        context = error.errors()[0].get("ctx", {})
        fail(f"--for {lifetime}: {context.get('message')}", mend=str(context.get("mend")))
