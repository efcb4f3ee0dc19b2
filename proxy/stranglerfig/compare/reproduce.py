"""Ways on from a difference: the request as a curl command and as `fig same`, and the rule that would ignore it."""

import re
import shlex
from datetime import date, timedelta
from typing import Final

from stranglerfig.compare.diff.difference import BODY, STATUS, Kind
from stranglerfig.compare.expectation import EXPECTED
from stranglerfig.compare.record import Cluster
from stranglerfig.compare.redact import REPLACED, RedactedRequest
from stranglerfig.compare.store import OTHERS

_NO_BODY: Final = "name a file with the body, which is not kept"
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_TEXT_LINES: Final = "$.line[]"
_OFFERED_FOR: Final = timedelta(days=90)


def curl_command(request: RedactedRequest, url: str) -> str:
    """The request to one upstream, as it was sent there: same Host, no credentials, redirects not followed.

    A body is not kept. Without it the request would be another one, and an unsafe one might do something: the shell
    refuses the command until BODY names a file.
    """
    words = ["curl", "-sS", "-i", "-g", "--path-as-is"]
    if request.method == "HEAD":
        words.append("-I")
    elif request.method != "GET":
        words += ["-X", request.method]
    if any(name.lower() == "accept-encoding" for name, _ in request.headers):
        words.append("--compressed")
    for name, value in request.headers:
        words += ["-H", f"{name}: {value}"]
    command = shlex.join([*words, f"{url}{request.target}"])
    return f'{command} --data-binary "@${{BODY:?{_NO_BODY}}}"' if request.body_bytes else command


def missing_of(request: RedactedRequest) -> list[str]:
    """What has to be put back, or thought of, before the request is the one that was sent."""
    lines = []
    if request.user is not None:
        lines.append("it was sent with credentials, which are not kept: add your own")
    if REPLACED in request.target:
        lines.append(f"values in the query that hold {REPLACED} are stand-ins: put in your own")
    if request.body_bytes:
        lines.append(f"it had a body of {request.body_bytes:,} bytes, which is not kept: BODY=FILE")
    if request.method not in _SAFE_METHODS:
        lines.append(
            f"fig.yaml says that this {request.method} changes nothing; by its method it could, on both sides"
        )
    return lines


def same_command(request: RedactedRequest, control: str, candidate: str) -> str | None:
    """The call that asks both upstreams, given by their URLs, the same again; ``None`` for what is no GET."""
    if request.method != "GET":
        return None
    words = ["fig", "same", "--control", control, "--candidate", candidate]
    host = next((value for name, value in request.headers if name.lower() == "host"), None)
    if host is not None:
        words += ["--host", host]
    return shlex.join([*words, request.target])


def why_no_rule(cluster: Cluster) -> str | None:
    """Why nobody should ignore this cluster by a rule; ``None`` where one may be."""
    if cluster.where.startswith(EXPECTED):
        return "a rule expects this change, and it did not occur; mend the service, or take that rule out"
    if cluster.path == OTHERS:
        return "many places differ here, and are counted together; mend the ones listed first"
    if cluster.where != BODY:
        return None
    if cluster.path == _TEXT_LINES:
        return (
            "of a text the first line that differs is all that is known, so a rule on its lines would silence the "
            "whole page; make both sides write the same, or take the route out of the comparison"
        )
    if not cluster.path.startswith(("$.", "$[")):
        return "it would silence the whole body, and every difference in it"
    return None


def ignore_rule(cluster: Cluster, day: date) -> str:
    """A whole fig.rules.yaml whose one rule covers this cluster and nothing else, where ``why_no_rule`` is ``None``.

    On ``day`` it is offered for three months: long enough to mend what is behind it, and to be looked at again.
    """
    lines = [
        "rules:",
        f"  - name: {_name(cluster)}",
        "    action: ignore",
        f"    capability: {cluster.capability}",
        f"    route: {_quoted(cluster.route)}",
        f"    where: {cluster.where}",
    ]
    if cluster.path and cluster.where != STATUS:
        lines.append(f"    path: {_quoted(cluster.path)}")
    kind = cluster.kind if cluster.kind != Kind.NULL else "'null'"
    lines += [
        f"    kinds: [{kind}]",
        "    reason: edit this line to say why it may differ",
        "    owner: edit this line to say who answers for it",
        f"    expires: {day + _OFFERED_FOR}",
    ]
    return "\n".join(lines)


def _name(cluster: Cluster) -> str:
    words = re.findall(r"[A-Za-z0-9]+", f"{cluster.where} {cluster.path}", re.ASCII)
    return "-".join(words)[:50].strip("-") + f"-{cluster.kind}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
