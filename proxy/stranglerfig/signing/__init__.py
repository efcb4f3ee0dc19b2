"""Pure: the signatures on Fig-Force, Fig-Debug and Fig-Shadow. Time is an argument."""

from stranglerfig.signing.seal import Refusal, sign, verify

__all__ = ["Refusal", "sign", "verify"]
