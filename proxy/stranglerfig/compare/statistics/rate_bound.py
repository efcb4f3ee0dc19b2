"""How many answers may differ after all: an upper bound that holds however often one looks.

A one-sided confidence sequence for the rate of a yes-or-no event. For each rate that could be the true one, a bet is
kept against it; the rate is ruled out once the bet has multiplied its stake by 1/alpha. By Ville's inequality (1939) a true
rate is ever ruled out, at any of all looks, with a chance of at most alpha. The bet is a mixture of likelihood
ratios (Robbins, Ann. Math. Stat. 41, 1970; Howard, Ramdas, McAuliffe and Sekhon, Time-uniform, nonparametric, nonasymptotic
confidence sequences, Ann. Statist. 49, 2021): half of the stake says that nothing ever differs, half is
spread evenly over all smaller rates. Of the first, 0 in n comparisons bounds the rate at about 3.45/n, where one single look
would give the rule of three, 3/n. The null holds for every larger rate too: the ratio of likelihoods falls in the true rate.
"""

from functools import lru_cache
from math import exp, log, log1p
from typing import Final

from stranglerfig.compare.statistics.beta import incomplete_beta, log_beta

ALPHA: Final = 0.05
_NOTHING: Final = 0.5  # of the stake
_STEPS: Final = 60  # of halving: to the last bit of a double


@lru_cache(maxsize=1 << 16)
def wealth(events: int, trials: int, rate: float) -> float:
    """What the bet against ``rate`` has made of 1 after ``events`` in ``trials``; 0 < rate < 1."""
    events_not = trials - events
    against = events * log(rate) + events_not * log1p(-rate)
    # The mean likelihood over (0, rate): B(s+1, f+1) I_rate(s+1, f+1) / rate.
    spread = (
        log_beta(events + 1, events_not + 1)
        + _log(incomplete_beta(rate, events + 1, events_not + 1))
        - log(rate)
    )
    nothing = 0.0 if events else _exp(-against)
    return _NOTHING * nothing + (1.0 - _NOTHING) * _exp(spread - against)


@lru_cache(maxsize=4096)
def upper_bound(events: int, trials: int, alpha: float = ALPHA) -> float:
    """The rate that the true one is below, with 1 - ``alpha`` confidence at all looks together; 1 if nothing is known."""
    if trials <= 0 or events >= trials:
        return 1.0
    low, high = events / trials, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if wealth(events, trials, middle) >= 1.0 / alpha:
            high = middle
        else:
            low = middle
    return high


@lru_cache(maxsize=256)
def trials_needed(rate: float, events: int = 0, alpha: float = ALPHA) -> int:
    """How many trials in all it takes to bound the rate at ``rate``, if no more than ``events`` of them are events."""
    if not 0.0 < rate < 1.0:
        raise ValueError(f"a rate of {rate} bounds nothing; give one between 0 and 1")
    few, enough = events, max(2 * events, 16)
    while upper_bound(events, enough, alpha) > rate:
        few, enough = enough, 2 * enough
    while enough - few > 1:
        middle = (few + enough) // 2
        if upper_bound(events, middle, alpha) > rate:
            few = middle
        else:
            enough = middle
    return enough


def _log(value: float) -> float:
    return log(value) if value > 0.0 else float("-inf")


def _exp(value: float) -> float:
    return exp(min(value, 700.0))
