"""The beta function and its incomplete sister, on which tails of binomial counts rest: NIST's DLMF, section 8.17."""

from math import exp, expm1, lgamma, log, log1p
from typing import Final

_TERMS: Final = 10_000


def log_beta(a: float, b: float) -> float:
    """The logarithm of B(a, b)."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for 0 < x < 1: P(Bin(a + b - 1, x) >= a) for whole numbers."""
    if a == 1.0:
        return -expm1(b * log1p(-x))
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _continued(1.0 - x, b, a)
    return _continued(x, a, b)


def _continued(x: float, a: float, b: float) -> float:
    """The continued fraction of DLMF 8.17.22 by Lentz's method, quick below the mean."""
    front = exp(a * log(x) + b * log1p(-x) - log_beta(a, b)) / a
    tiny = 1e-300
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0), tiny)
    fraction = d
    for m in range(1, _TERMS):
        step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        for part in (step, -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1.0 / _away(1.0 + part * d, tiny)
            c = _away(1.0 + part / c, tiny)
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return front * fraction


def _away(value: float, tiny: float) -> float:
    """A divisor that is not nought."""
    return value if abs(value) > tiny else tiny
