"""``fig abort``: the one way back, whatever state things are in."""

from typing import Annotated

import typer
from rich.markup import escape

from stranglerfig.cli.output import ConfigOption, ExitCode, JsonFlag, fail, out, print_json
from stranglerfig.cli.place import exit_code_of, fail_with_admin_error, find_place, warn_of_orphans
from stranglerfig.control.audit import whoami
from stranglerfig.control.client import AdminError
from stranglerfig.control.lock import LockedError
from stranglerfig.control.offline import abort as abort_offline
from stranglerfig.control.refusal import ChangeError


def abort(
    capability: Annotated[str, typer.Argument(help="Which capability.")],
    why: Annotated[str, typer.Option(help="The reason, for the audit log.")] = "abort",
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Send a capability's safe requests back to the monolith, at once and until the next `fig set`.

    Needs nothing to be in order: it holds over a file with mistakes or one that
    can't be written, and over a restart. Calling it twice changes nothing.
    Who takes unsafe requests is never changed.

    [bold]Example[/]

      fig abort catalog --why "prices are wrong"
    """
    place = find_place(config)
    try:
        if place.client is not None:
            answer = place.client.abort(capability, who=whoami(), why=why or "abort")
        else:
            answer = abort_offline(
                place.config_path, place.state_dir, capability, who=whoami(), why=why or "abort"
            )
    except AdminError as error:
        fail_with_admin_error(error)
    except ChangeError as error:
        fail(str(error), mend=error.mend, code=exit_code_of(error.status))
    except LockedError as error:
        fail(str(error), mend="try again in a moment", code=ExitCode.NO)
    if as_json:
        print_json(answer)
        return
    name = f"[bold]{escape(capability)}[/]"
    if answer["already_aborted"]:
        out.print(f"{name} was aborted already")
    elif answer["generation"] is None:
        out.print(f"{name} is aborted: no proxy runs, so it holds from the next `fig serve`")
    else:
        out.print(f"{name} is aborted: on every worker after {answer['effective_ms']:g} ms")
    if not answer["persisted"]:
        out.print("[yellow]not on disk: it is lost when the proxy restarts[/]")
    if answer["file_followed"]:
        out.print("fig.yaml says so too")
    else:
        out.print(f"[yellow]fig.yaml does not follow:[/] {escape(str(answer['file_reason']))}")
    warn_of_orphans(answer)
    out.print("`fig set` lifts the abort")
