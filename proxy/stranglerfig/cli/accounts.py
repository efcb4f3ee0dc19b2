"""The account of a capability as a person reads it: what became of every request that was to be compared, and how sure that is."""

from rich.markup import escape

from stranglerfig.cli.output import out
from stranglerfig.compare.account import Account


def print_accounts(accounts: dict[str, Account], capability: str | None) -> None:
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
            f"no answer {account.no_answer:,}{_reasons(account.no_answer_by)}",
            f"skipped {sum(account.skipped.values()):,}{_reasons(account.skipped)}",
            f"lost {sum(account.lost.values()):,}{_reasons(account.lost)}",
            f"waiting {max(account.waiting, 0):,}",
        ]
        out.print(f"[bold]{escape(name)}[/]  {escape(' · '.join(parts))}")
        out.print(f"  {_how_sure(account)}")


def _reasons(counts: dict[str, int]) -> str:
    if not counts:
        return ""
    return f" ({', '.join(f'{name} {count:,}' for name, count in sorted(counts.items()))})"


def _how_sure(account: Account) -> str:
    if not account.compared:
        return "no verdict yet: nothing is known about differences"
    if account.bound is None:
        share = account.different / account.compared
        return f"{share:.2%} of {account.compared:,} comparisons differ"
    return (
        f"no difference in {account.compared:,} comparisons: with 95 % confidence fewer than"
        f" {account.bound:.3%} of answers differ"
    )
