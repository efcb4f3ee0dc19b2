"""Ways on from a difference: the request as a curl command, and the rule that would ignore it."""

import re
import shlex

from stranglerfig.compare.diff.difference import BODY, STATUS, Kind
from stranglerfig.compare.record import Cluster
from stranglerfig.compare.redact import RedactedRequest
from stranglerfig.compare.store import OTHERS


def curl_command(request: RedactedRequest, authority: str) -> str:
    """The request to one upstream, as it was sent there: same Host, no credentials, redirects not followed."""
    words = ["curl", "-sS", "-i", "-g", "--path-as-is"]
    if request.method == "HEAD":
        words.append("-I")
    elif request.method != "GET":
        words += ["-X", request.method]
    if any(name.lower() == "accept-encoding" for name, _ in request.headers):
        words.append("--compressed")
    for name, value in request.headers:
        words += ["-H", f"{name}: {value}"]
    words.append(f"http://{authority}{request.target}")
    return shlex.join(words)


def ignore_rule(cluster: Cluster) -> str | None:
    """A rule for fig.rules.yaml that covers this cluster and nothing else; ``None`` where a rule may not be."""
    is_whole = cluster.where == BODY and not cluster.path.startswith(("$.", "$["))
    if is_whole or cluster.path == OTHERS:
        return None
    lines = [
        f"  - name: {_name(cluster)}",
        "    action: ignore",
        f"    capability: {cluster.capability}",
        f"    route: {_quoted(cluster.route)}",
        f"    where: {cluster.where}",
    ]
    if cluster.path and cluster.where != STATUS:
        lines.append(f"    path: {_quoted(cluster.path)}")
    kind = cluster.kind if cluster.kind != Kind.NULL else "'null'"
    lines += [f"    kinds: [{kind}]", "    reason: "]
    return "\n".join(lines)


def _name(cluster: Cluster) -> str:
    words = re.findall(r"[A-Za-z0-9]+", f"{cluster.where} {cluster.path}", re.ASCII)
    return "-".join(words)[:50].strip("-") + f"-{cluster.kind}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
