"""The account of a capability as a person reads it: what became of every request that was to be compared, and how sure that is."""

from collections.abc import Mapping

from rich.markup import escape

from stranglerfig.cli.output import out, span
from stranglerfig.compare.account import Account

Lags = Mapping[str, Mapping[str, float]]
"""By capability: of what healed, the delay of half of it and of nearly all of it, in seconds."""


def print_accounts(accounts: dict[str, Account], capability: str | None, lags: Lags) -> None:
    """Print each account on one line, and below it how sure it is."""
    if not accounts:
        whose = f"of {capability} " if capability else ""
        out.print(
            f"Nothing {escape(whose)}was compared yet: set a capability to shadow, and send it traffic."
        )
    for name, account in accounts.items():
        parts = [
            f"asked {account.asked:,}",
            f"equal {account.equal:,}",
            f"different {account.different:,}",
            f"ignored {account.ignored:,}",
            *_settled(account),
            f"no answer {account.no_answer:,}{_reasons(account.no_answer_by)}",
            f"skipped {sum(account.skipped.values()):,}{_reasons(account.skipped)}",
            f"lost {sum(account.lost.values()):,}{_reasons(account.lost)}",
            f"waiting {max(account.waiting, 0):,}",
        ]
        out.print(f"[bold]{escape(name)}[/]  {escape(' · '.join(parts))}")
        out.print(f"  {_how_sure(account)}")
        if account.lag and (lag := lags.get(name)):
            out.print(
                f"  what healed had by {span(lag['p50'])} in half of the cases, by {span(lag['p99'])} in 99 %"
            )
        if account.unsettled:
            out.print(
                f"  not asked again to the end, and different so far as is known: {sum(account.unsettled.values()):,}"
                f"{_reasons(account.unsettled)}"
            )


def _settled(account: Account) -> list[str]:
    """What was asked again and is neither alike nor different; left out where there is none."""
    parts = [f"lag {account.lag:,}{_reasons(account.lag_by)}"] if account.lag else []
    return [*parts, f"noise {account.noise:,}"] if account.noise else parts


def _reasons(counts: dict[str, int]) -> str:
    if not counts:
        return ""
    return f" ({', '.join(f'{name} {count:,}' for name, count in sorted(counts.items()))})"


def _how_sure(account: Account) -> str:
    if not account.compared:
        return "no verdict yet: nothing is known about differences"
    if not account.told:
        return f"{account.noise:,} comparisons, and all differ by noise alone: nothing is known"
    if account.bound is None:
        share = account.different / account.compared
        return f"{share:.2%} of {account.compared:,} comparisons differ"
    return (
        f"no difference in {account.told:,} comparisons: with 95 % confidence fewer than"
        f" {account.bound:.3%} of answers differ"
    )
