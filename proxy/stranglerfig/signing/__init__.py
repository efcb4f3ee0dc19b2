"""Pure: the signatures on Fig-Force, Fig-Debug, Fig-Shadow and the cookie fig_wrote. Time is an argument."""

from stranglerfig.signing.seal import Refusal, sign, verify

__all__ = ["Refusal", "sign", "verify"]
