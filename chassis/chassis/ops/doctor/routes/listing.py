"""The comparison as a page of text: by word, and under it by who answers. A branch of the URLconf whose patterns all
fare alike is one line."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from chassis.ops.doctor.routes.asking import Compared
from chassis.ops.doctor.routes.strays import Stray
from chassis.ops.doctor.routes.verdict import Outcome, Verdict, Word

WIDTH = 100
# Below this a branch is written out.
FOLDED_FROM = 4
_HEADINGS = {
    Word.CLAIMED: "claimed",
    Word.PARTLY: "partly claimed: some methods or paths go elsewhere, or could not be asked for",
    Word.UNCLAIMED: "unclaimed: as without a proxy",
    Word.UNREACHABLE: "unreachable",
    Word.UNKNOWN: "unknown: the proxy could not be asked for these",
}


def text_of(found: Compared, only: Sequence[Word], *, whole: bool) -> str:
    """The page. `only`: these words; all when empty. `whole`: every pattern has a line."""
    lines: list[str] = []
    for word in only or Word:
        verdicts = [verdict for verdict in found.verdicts if verdict.word is word]
        if verdicts:
            lines += [_HEADINGS[word], *_section(word, verdicts, whole=whole), ""]
    if found.strays and (not only or Word.CLAIMED in only):
        lines += ["routes of fig.yaml that lead nowhere", *_strays(found.strays), ""]
    if found.slow:
        lines += ["patterns that take too long, so that any client can keep a worker busy"]
        lines += [line for slow in found.slow for line in wrapped(slow.says, "  ")]
        lines += [""]
    return "\n".join([*lines, summary(found)])


def summary(found: Compared) -> str:
    """The counts, on one line."""
    numbers = Counter(verdict.word for verdict in found.verdicts)
    words = ", ".join(
        f"{numbers[word]} {word}" for word in Word if numbers[word] or word is not Word.UNKNOWN
    )
    number = len(found.verdicts)
    return f"{number} pattern{'' if number == 1 else 's'}: {words}"


def _section(word: Word, verdicts: Sequence[Verdict], *, whole: bool) -> Iterator[str]:
    if word is Word.PARTLY:
        for verdict in verdicts:
            yield from _partly(verdict)
        return
    by_heading: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_heading.setdefault(_heading(verdict), []).append(verdict)
    for heading, members in by_heading.items():
        yield from wrapped(heading, "  ")
        for line in _folded(members, 0, whole=whole):
            yield f"    {line}"


def _heading(verdict: Verdict) -> str:
    if verdict.why:
        return verdict.why
    return " / ".join(dict.fromkeys(outcome.says for outcome in verdict.outcomes))


def _partly(verdict: Verdict) -> Iterator[str]:
    yield f"  {verdict.entry.written}"

    def kind(outcome: Outcome) -> tuple[str, str]:
        return outcome.method, outcome.says

    paths = {outcome.path for outcome in verdict.outcomes}
    for (method, says), group in groupby(sorted(verdict.outcomes, key=kind), key=kind):
        members = list(group)
        example = f" {members[0].path}" if len(members) < len(paths) else ""
        word = "unclaimed, " if members[0].word is Word.UNCLAIMED else ""
        is_doubtful = method != "GET" and members[0].word is not Word.CLAIMED
        # A view may well take GET alone, and not say so.
        doubt = (
            ", if the view takes it" if is_doubtful and not verdict.entry.methods.declared else ""
        )
        yield from wrapped(f"{method}{example}  {word}{says}{doubt}", "    ")
    if verdict.untried:
        yield from wrapped(f"but {verdict.untried}", "    ")


def _folded(members: Iterable[Verdict], depth: int, *, whole: bool) -> Iterator[str]:
    """One line for each pattern, or for a branch of many below one resolver."""
    for parts, group in groupby(members, key=lambda verdict: verdict.entry.parts[: depth + 1]):
        branch = list(group)
        is_branch = any(len(verdict.entry.parts) > depth + 1 for verdict in branch)
        if whole or not is_branch or len(branch) < FOLDED_FROM:
            yield from map(_line, branch)
        elif "".join(parts):
            yield f"/{''.join(parts)}…  {len(branch)} patterns"
        else:  # an include without a prefix is no branch that anybody would know by its name
            yield from _folded(branch, depth + 1, whole=whole)


def _line(verdict: Verdict) -> str:
    entry = verdict.entry
    is_known = (
        entry.methods.declared or verdict.word is Word.CLAIMED
    )  # then those that were asked for
    methods = ",".join(entry.methods.names) if is_known else "any"
    shown = f"{methods:<8} {entry.written}" if entry.methods.names else entry.written
    return shown if len(shown) <= WIDTH - 4 else f"{shown[: WIDTH - 5]}…"


def _strays(strays: Sequence[Stray]) -> Iterator[str]:
    for stray in strays:
        yield from wrapped(f"{stray.capability}: {stray.route}  ({stray.why})", "  ")


def wrapped(text: str, indent: str, more: str = "  ") -> list[str]:
    """Lines of at most WIDTH columns; what goes on is indented by `more`."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + more,
        break_long_words=False,
        break_on_hyphens=False,
    )
