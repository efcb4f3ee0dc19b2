"""Faults in a text, whatever it stands in: what was written gets other words, digits or letters."""

import re
import unicodedata
from random import Random

NUMBER = re.compile(r"\d+")
AMOUNT = re.compile(r"(?<![\d.])(\d+)\.(\d\d)(?![\d.])")
_WORD = re.compile(r"\w{2,}")
OTHER_WORDS = ("lorem", "ipsum", "dolor", "sit", "amet")


def change(text: str, chance: Random) -> str | None:
    """Another word in place of one."""
    found = list(_WORD.finditer(text))
    if not found:
        return None
    word = chance.choice(found)
    return text[: word.start()] + chance.choice(OTHER_WORDS) + text[word.end() :]


def off_by_one(text: str, chance: Random) -> str | None:
    """A number that is one more or one less."""
    found = list(NUMBER.finditer(text))
    if not found:
        return None
    number = chance.choice(found)
    value = max(int(number[0]) + chance.choice((-1, 1)), 0)
    value += value == int(number[0])
    return text[: number.start()] + str(value).zfill(len(number[0])) + text[number.end() :]


def sign(text: str, chance: Random) -> str | None:
    """An amount below zero."""
    found = [each for each in AMOUNT.finditer(text) if float(each[0])]
    if not found:
        return None
    amount = chance.choice(found)
    return text[: amount.start()] + "-" + text[amount.start() :]


def rounding(text: str, chance: Random) -> str | None:
    """An amount without its cents, or a cent off by rounding another way."""
    found = [each for each in AMOUNT.finditer(text) if each[2] != "00"]
    if not found:
        return None
    amount = chance.choice(found)
    whole, cents = amount[1], int(amount[2])
    rounded = chance.choice((f"{whole}.00", f"{whole}.{cents - 1:02d}"))
    return text[: amount.start()] + rounded + text[amount.end() :]


def truncated(text: str, chance: Random) -> str | None:
    """The text up to somewhere, which is not white space."""
    if len(text) < 3:
        return None
    cut = text[: chance.randrange(1, len(text) - 1)]
    return cut if cut.strip() and cut.strip() == cut else None


def case(text: str, chance: Random) -> str | None:
    """Capitals where there were small letters, and the other way round."""
    return text.swapcase()


def decomposed(text: str, chance: Random) -> str | None:
    """Letters and their marks apart: é is two characters."""
    return unicodedata.normalize("NFD", text)


def wrong_currency(text: str, chance: Random) -> str | None:
    """An amount in another currency."""
    for sign_or_name in ("€", "EUR"):
        if sign_or_name in text:
            return text.replace(sign_or_name, "$" if sign_or_name == "€" else "USD", 1)
    return None


def broken_word(text: str, chance: Random) -> str | None:
    """White space where there was none and where a reader sees it: in the middle of a word; or two words as one."""
    joints = [each.start() for each in re.finditer(r"(?<=\w) (?=\w)", text)]
    if joints and chance.random() < 0.5:
        at = chance.choice(joints)
        return text[:at] + text[at + 1 :]
    inside = [each.start() for each in re.finditer(r"(?<=\w)(?=\w)", text)]
    if not inside:
        return None
    at = chance.choice(inside)
    return f"{text[:at]} {text[at:]}"
