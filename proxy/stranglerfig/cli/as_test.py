"""``fig diffs show ID --as-test``: one difference as a case for pytest, which fails until it is mended."""

import json
import re
from pathlib import Path
from typing import Final

from stranglerfig.cli.output import ExitCode, fail, out
from stranglerfig.compare.diff.shape import DIGEST_HEX
from stranglerfig.compare.record import ClusterDetail, Example
from stranglerfig.compare.redact import MAX_TARGET, REPLACED, RedactedRequest
from stranglerfig.compare.store import OTHERS
from stranglerfig.traffic.parity.case import SAFE_METHODS, fill_in

STDOUT: Final = "-"
_STAND_IN: Final = re.compile(rf"(.*){REPLACED}[0-9a-f]{{{DIGEST_HEX}}}")
_ENTITY: Final = ("content-type",)


def write_case(detail: ClusterDetail, file: str, urls: dict[str, str], *, may_replace: bool) -> None:  # fmt: skip
    """Write the case of one difference to a file, or print it. Ends the command where there can be none."""
    cluster = detail.cluster
    example = detail.smallest or (detail.examples[-1] if detail.examples else None)
    if cluster.path == OTHERS:
        fail(
            f"difference {cluster.id} counts many places together, so no case can be about it",
            mend="write the cases of the ones that are listed first",
            code=ExitCode.NO,
        )
    if example is None:
        fail(f"no example of difference {cluster.id} is kept", code=ExitCode.NO)
    text = case_text(detail, example)
    if file == STDOUT:
        print(text, end="")  # noqa: T201 - nothing else may stand in the file that this becomes
        return
    try:
        with Path(file).open("w" if may_replace else "x", encoding="utf-8") as made:
            made.write(text)
    except FileExistsError:
        fail(f"{file} is there already", mend="name another file, or add --force to replace it")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")
    sides = "".join(
        f" --fig-{side} {urls[name]}"
        for side, name in (("control", "monolith"), ("candidate", "service"))
        if name in urls
    )
    out.print(f"wrote {file}; it fails until this is mended:", markup=False)
    out.print(f"  pytest {file}{sides}", markup=False)


def case_text(detail: ClusterDetail, example: Example) -> str:
    """The case, as a whole file for pytest."""
    cluster, exchange = detail.cluster, example.exchange
    request = exchange.request
    headers = dict(_kept_headers(request))
    if request.user is not None:
        headers["Cookie"] = fill_in("the cookies of a user, such as sessionid=…; or take this out")
    lines = [
        f'"""{_words(f"Difference {cluster.id} of {cluster.capability}: {cluster.kind} at {cluster.place}.")}',
        "",
        _words(f"{cluster.route}; severity {cluster.weight.severity}: {cluster.weight.why}."),
        '"""',
        "",
        "from stranglerfig.testing import parity",
        "",
        "",
        "@parity(",
        f"    {_quoted(f'{request.method} {_target(request.target)}')},",
        f"    capability={_quoted(cluster.capability)},",
        f"    route={_quoted(cluster.route)},",
        f"    place={_quoted(cluster.place)},",
        f"    kind={_quoted(cluster.kind)},",
        f"    status={exchange.control_status},",
    ]
    if headers:
        lines.append("    headers={")
        lines += [f"        {_quoted(name)}: {_quoted(value)}," for name, value in headers.items()]
        lines.append("    },")
    if request.body_bytes:
        lines.append(
            f"    content={_quoted(fill_in(f'the body, of {request.body_bytes:,} bytes'))},"
        )
    if request.method not in SAFE_METHODS:
        lines.append("    writes=True,  # fig.yaml says that it changes nothing")
    return "\n".join([*lines, ")", f"def {_name(detail)}() -> None:", "    pass", ""])


def _kept_headers(request: RedactedRequest) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in request.headers
        if request.body_bytes or name.lower() not in _ENTITY
    ]


def _target(target: str) -> str:
    path, mark, query = target.partition("?")
    whole = f"{path}{mark}{'&'.join(map(_parameter, query.split('&')))}"
    return whole if len(target) < MAX_TARGET else whole + fill_in("the rest, which was cut off")


def _parameter(item: str) -> str:
    name, mark, value = item.partition("=")
    stand_in = _STAND_IN.fullmatch(value if mark else name)
    if stand_in is None:
        return item
    what = f"a value of {name}" if mark else "a value"
    return f"{name if mark else ''}{mark}" + fill_in(f"{what}, which looked like {stand_in[1]}")


def _name(detail: ClusterDetail) -> str:
    cluster = detail.cluster
    words = re.findall(r"[a-z0-9]+", f"{cluster.capability} {cluster.place} {cluster.kind}".lower())
    return f"test_{'_'.join(words)[:70]}"


def _quoted(text: str) -> str:
    """As Python writes it: what JSON escapes, Python reads alike."""
    return json.dumps(text, ensure_ascii=False)


def _words(text: str) -> str:
    """Fit to stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
