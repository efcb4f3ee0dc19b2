"""What a parity case says when it fails: each difference with both values in clear, a rule for it, and how to ask again."""

import shlex
from collections.abc import Sequence

from stranglerfig.compare.diff.difference import Found
from stranglerfig.compare.diff.severity import RANK, weight_of
from stranglerfig.compare.offline import is_missed, place_of, value_text
from stranglerfig.compare.record import Cluster
from stranglerfig.compare.redact import RedactedRequest
from stranglerfig.compare.reproduce import curl_command, ignore_rule, why_no_rule
from stranglerfig.compare.rule_term import today
from stranglerfig.traffic.parity.case import Case, Request
from stranglerfig.traffic.parity.judging import Judged, path_of
from stranglerfig.traffic.parity.side import Side, TextHeaders

_SHOWN = 10
_VALUE_SHOWN = 400


def tell(
    request: Request,
    case: Case,
    judged: Judged,
    judged_by: str,
    unsteady: Sequence[Found],
    sent: Sequence[tuple[Side, TextHeaders]],
) -> str:
    """The message; ``unsteady`` is how the control differs from itself, ``sent`` what each side was sent."""
    lines = [f"{request}: the answers differ ({judged_by})"]
    if judged.is_in_the_way:
        what = f"{case.kind} at {case.place}" if case.kind else case.place
        lines.append(f"  The case is about {what}, which cannot be compared while this differs:")
    own = {(each.where, each.steps, each.kind) for each in unsteady}
    found = sorted(judged.found, key=lambda each: RANK[weight_of(each).severity])
    for each in found[:_SHOWN]:
        lines += _lines(each, case)
        if (each.where, each.steps, each.kind) in own:
            lines.append(
                "      unsteady   the control, asked again, differs from itself here too: a case for a rule"
            )
    if (more := len(found) - _SHOWN) > 0:
        lines.append(f"  … and {more:,} more")
    lines.append("ask again:")
    lines += [f"  {side.name:<9}  {_curl(request, side, headers)}" for side, headers in sent]
    return "\n".join(lines)


def _lines(found: Found, case: Case) -> list[str]:
    weight = weight_of(found)
    head = f"  {weight.severity}: {found.kind} at {place_of(found)}, {weight.why}"
    if is_missed(found):
        return [head, "      a rule expects a change here, and it did not occur"]
    return [
        head,
        f"      control    {_cut(value_text(found.control))}",
        f"      candidate  {_cut(value_text(found.candidate))}",
        f"      {_rule(found, case)}",
    ]


def _rule(found: Found, case: Case) -> str:
    """The rule that would cover it, as one line of ``rules:``."""
    cluster = Cluster(
        0, case.capability, case.route, found.kind, found.where, path_of(found), 1, 0.0, 0.0
    )
    if why := why_no_rule(cluster):
        return f"no rule    {why}"
    if not case.capability:
        return "no rule    name the capability: parity(…, capability=…), or keep fig.yaml beside the rules"
    written = [line.strip(" -") for line in ignore_rule(cluster, today()).splitlines()[1:]]
    said = ", ".join(line for line in written if line != "route: ''")
    return f"rule       - {{{said}}}"


def _curl(request: Request, side: Side, headers: TextHeaders) -> str:
    asked = RedactedRequest(request.method, request.target, tuple(headers), None, 0)
    command = curl_command(asked, side.url)
    if not request.body:
        return command
    text = request.body.decode("utf-8", "replace")
    return f"{command} --data-binary {shlex.quote(text)}"


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE_SHOWN else text[:_VALUE_SHOWN] + "…"
