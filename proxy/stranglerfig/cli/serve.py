"""``fig serve``: run the proxy until it is told to stop."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import structlog
import typer
from rich.markup import escape
from rich.panel import Panel

from stranglerfig import logs
from stranglerfig.cli.output import ConfigOption, ExitCode, err, fail, fail_with_problems
from stranglerfig.config.scalar import Address
from stranglerfig.control.environment import SecretError, hosts, secret
from stranglerfig.control.lock import LockedError, read_serve
from stranglerfig.control.overrides import OverridesError
from stranglerfig.control.replace import ReplaceError, ask_to_hand_over, foresee
from stranglerfig.control.sockets import AddressError
from stranglerfig.control.source import RefusedError, Source, Written
from stranglerfig.logs import LogFormat
from stranglerfig.signing.seal import SHORTEST_GOOD_KEY

if TYPE_CHECKING:
    from stranglerfig.control.status import View


class _Secrets(NamedTuple):
    """What the environment holds and nobody is told."""

    key: str | None
    admin_token: str | None
    chassis_credential: str | None


def serve(
    config: ConfigOption = "fig.yaml",
    log: Annotated[
        Literal["json", "text"] | None,
        typer.Option(help="How to log; by default text on a terminal and JSON elsewhere."),
    ] = None,
    drain: Annotated[
        float,
        typer.Option(min=0, max=3600, help="Seconds that answers get to finish at a stop."),
    ] = 10.0,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Take the place of the proxy that runs, without losing a connection: to upgrade fig.",
        ),
    ] = False,
) -> None:
    """Run the proxy until Ctrl-C or SIGTERM; a second one ends it at once.

    fig.yaml is watched: what you save holds for every worker in well under a
    second; a file with mistakes is refused whole and the last good one goes on.

    The environment may hold FIG_SECRET (signed headers, marked shadows),
    FIG_ADMIN_TOKEN (needed when `admin` is not on loopback) and CHASSIS_CREDENTIAL
    (to ask the monolith how far services are behind), each also as a file named by
    NAME_FILE; and FIG_ADMIN_HOSTS, more host names of the admin server.

    [bold]Examples[/]

      fig serve

      FIG_SECRET_FILE=/run/secrets/fig fig serve --config /etc/fig/fig.yaml

      fig serve --replace
    """
    source = Source(Path(config).absolute())
    try:
        written = source.parse(source.read())
        token = secret("FIG_ADMIN_TOKEN")
        key = secret("FIG_SECRET")
        credential = secret("CHASSIS_CREDENTIAL")
    except RefusedError as error:
        fail_with_problems(error.problems)
    except SecretError as error:
        fail(str(error))
    _check_admin(written.config.admin, token)
    log_format = logs.configure(log, process="supervisor")
    for warning in written.warnings:
        err.print(f"[bold yellow]warning:[/] {escape(warning)}")
    if key is not None and len(key) < SHORTEST_GOOD_KEY:
        structlog.get_logger(__name__).warning(
            "secret_can_be_guessed",
            mend=f"set FIG_SECRET to {SHORTEST_GOOD_KEY} random characters or more",
        )
    secrets = _Secrets(key, token, credential)
    _run(source, written, secrets, log_format, drain, replace, partial(_banner, config))


def _check_admin(admin: Address, token: str | None) -> None:
    if not admin.is_loopback and token is None:
        fail(
            f"admin: {admin} can be reached from other machines, and there is no token",
            mend="set FIG_ADMIN_TOKEN (or FIG_ADMIN_TOKEN_FILE), or write admin: 127.0.0.1:8001",
        )


def _replace(written: Written) -> None:
    """Have the running proxy let go; from here on its children serve and wait for us.

    Raises ``AddressError`` and ``OverridesError`` before anybody is asked.
    """
    logger = structlog.get_logger(__name__)
    foresee(written.config, written.state_dir)
    try:
        pid = ask_to_hand_over(written.state_dir)
    except ReplaceError as error:
        fail(f"the running proxy can't be replaced: {error}", code=ExitCode.NO)
    if pid is None:
        logger.info("nothing_to_replace", state_dir=str(written.state_dir))
    else:
        logger.info("replacing", pid=pid)


def _run(
    source: Source,
    written: Written,
    secrets: _Secrets,
    log_format: LogFormat,
    drain_s: float,
    replace: bool,
    banner: Callable[["View"], None],
) -> None:
    # Here, since the servers behind it take long to import and no other command needs them.
    import uvloop

    from stranglerfig.control.supervisor import Settings, StartError, Supervisor

    settings = Settings(
        state_dir=written.state_dir,
        secret=secrets.key,
        chassis_credential=secrets.chassis_credential,
        admin_token=secrets.admin_token,
        admin_hosts=hosts("FIG_ADMIN_HOSTS"),
        log_format=log_format,
        drain_deadline_s=drain_s,
    )
    try:
        supervisor = Supervisor(source, written, settings)
    except RefusedError as error:
        fail_with_problems(error.problems)
    try:
        if replace:
            # Last: whatever is found before this leaves the running proxy alone.
            _replace(written)
        uvloop.run(supervisor.run(banner))
    except LockedError as error:
        facts = read_serve(error.state_dir) or {}
        where = f" on {facts['listen']}, config {facts['config']}" if "listen" in facts else ""
        fail(
            f"another fig runs here: {error}{where}",
            mend="stop it first, take its place with --replace, or give this one a state_dir of its own",
            code=ExitCode.NO,
        )
    except AddressError as error:
        fail(
            str(error),
            mend="stop whoever holds it, or change listen or admin in fig.yaml",
            code=ExitCode.NO,
        )
    except (StartError, OverridesError) as error:
        fail(str(error), code=ExitCode.NO)


def _banner(config: str, view: "View") -> None:
    """Say on a terminal that it runs and where; programs have serve.json."""
    if not sys.stderr.isatty():
        return
    running = view.changes.running
    scheme = "http" if running.config.tls is None else "https"
    stages = "\n".join(
        f"  {escape(name)}  [bold]{capability.stage.value}[/]"
        for name, capability in running.config.capabilities.items()
    )
    err.print(
        Panel(
            f"proxy    [bold cyan]{scheme}://{view.listen}[/]\n"
            f"status   http://{view.admin}/api/status\n"
            f"metrics  http://{view.admin}/metrics\n"
            f"config   {escape(config)}  (watched)\n"
            f"workers  {len(view.fleet.workers)}\n"
            f"{stages or '  no capability yet: everything goes through unchanged'}",
            title="fig",
            subtitle="Ctrl-C stops it",
            expand=False,
        ),
        soft_wrap=False,  # folds what is wider than the terminal, where the default cuts it
    )
