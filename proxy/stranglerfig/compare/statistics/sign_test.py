"""Whether the candidate differs more often than the control differs from itself: the sign test on discordant pairs.

One pair is the control's answer held against a second one of its own and against the candidate's, both asked for at the
same time in random order. ``b`` pairs in which only the candidate differs, ``c`` in which only the control's
second answer does. Where the candidate is no worse than the control, each is as likely as the other, however noisy the
place is: pairs in which both differ, or neither, say nothing. A place that always differs so has no test at all.
"""

from math import exp, log
from typing import Final

from stranglerfig.compare.statistics.beta import incomplete_beta, log_beta

ALPHA: Final = 0.05


def sign_test(b: int, c: int) -> float:
    """The chance of ``b`` or more out of ``b + c`` if both were equally likely: the exact one-sided p-value.

    Dixon and Mood, The statistical sign test, JASA 41 (1946); McNemar, Psychometrika 12 (1947), for pairs. It holds for
    one look.
    """
    return incomplete_beta(0.5, b, c + 1) if b else 1.0


def excess(b: int, c: int) -> float:
    """An e-value against "the candidate is no worse", which holds however often one looks (Ville's inequality).

    The likelihood ratio against 1/2, averaged over every share above it: a test martingale (Robbins, Ann. Math. Stat. 41,
    1970; Ramdas et al., Statistical Science 38, 2023). 1/ALPHA and more says that the candidate is worse.
    """
    # 2^(n+1) * B(b+1, c+1) * P(Beta(b+1, c+1) > 1/2)
    even = (b + c + 1) * log(2.0) + log_beta(b + 1, c + 1)
    return exp(min(even, 700.0)) * incomplete_beta(0.5, c + 1, b + 1)


def is_worse(b: int, c: int) -> bool:
    """Whether the candidate differs more often than chance explains."""
    return excess(b, c) >= 1.0 / ALPHA
