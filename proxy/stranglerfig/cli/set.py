"""``fig set``: move a capability to another stage."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from stranglerfig.cli.output import (
    ConfigOption,
    ExitCode,
    JsonFlag,
    err,
    fail,
    fail_with_problems,
    out,
    print_json,
)
from stranglerfig.cli.place import exit_code_of, fail_with_admin_error, find_place, warn_of_orphans
from stranglerfig.config.model import Stage
from stranglerfig.control.audit import whoami
from stranglerfig.control.client import AdminError
from stranglerfig.control.lock import LockedError
from stranglerfig.control.offline import set_stage
from stranglerfig.control.refusal import ChangeError


def set_(
    capability: Annotated[str, typer.Argument(help="Which capability.")],
    stage: Annotated[Stage, typer.Argument(help="Who is to answer its safe requests.")],
    why: Annotated[str, typer.Option(help="The reason, for the audit log: the next person asks.")],
    percent: Annotated[
        float | None,
        typer.Argument(min=0, max=100, help="Share of users, in canary; by default the file's."),
    ] = None,
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Move a capability to another stage; returns when every worker runs it.

    Edits one word of fig.yaml and keeps its comments. It also lifts an abort of the capability.
    Without a running proxy the file alone is edited. A percent is written in
    every stage, and counts in canary only.

    [bold]Examples[/]

      fig set catalog shadow --why "compare before anyone sees it"

      fig set catalog canary 10 --why "two days without a difference"
    """
    if not why.strip():
        fail("say why with --why TEXT", mend="the audit log keeps it: the next person will ask")
    place = find_place(config)
    try:
        if place.client is not None:
            answer = place.client.set(capability, stage.value, percent, who=whoami(), why=why)
        else:
            answer = set_stage(
                place.config_path,
                place.state_dir,
                capability,
                stage,
                percent,
                who=whoami(),
                why=why,
            )
    except AdminError as error:
        fail_with_admin_error(error)
    except ChangeError as error:
        if error.problems:
            err.print(f"[bold red]error:[/] {escape(str(error))}")
            fail_with_problems(error.problems)
        fail(str(error), mend=error.mend, code=exit_code_of(error.status))
    except LockedError as error:
        fail(str(error), mend="try again in a moment", code=ExitCode.NO)
    if as_json:
        print_json(answer)
        return
    _tell(answer)
    if percent is not None and answer["stage"] != Stage.CANARY:
        out.print(f"percent {answer['percent']:g} is in the file; it counts in canary only")


def _tell(answer: dict[str, Any]) -> None:
    share = f" {answer['percent']:g} %" if answer["stage"] == Stage.CANARY else ""
    now = f"[bold]{escape(answer['capability'])}[/] is in [bold]{answer['stage']}{share}[/]"
    if answer["lifted_abort"]:
        out.print("the abort is lifted")
    if not answer["changed"]:
        out.print(f"{now} already; nothing was changed")
    elif answer["generation"] is None:
        out.print(f"{now} in the file; no proxy runs, so it holds from the next `fig serve`")
    else:
        workers = len(answer["workers"])
        out.print(
            f"{now}: generation {answer['generation']} on {workers} worker{'s' * (workers != 1)} "
            f"after {answer['effective_ms']:g} ms"
        )
    warn_of_orphans(answer)
    for slot in answer["missing_workers"]:
        err.print(f"[bold yellow]warning:[/] worker {slot} is down; it starts with the new table")
