"""The bytes of a terminal, cut at the prompts.

The shell's prompts are marks that no output contains (a random word between control characters). They come through the
terminal itself, behind all that a command has written, so that nothing of it is missed.
"""

import re
from dataclasses import dataclass

MOST_BYTES = 1_000_000  # of one command's output; beyond it is counted, and no page can show it
_BEGIN, _END = b"\x1e", b"\x1f"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The shell waits: for a command (then ``exit`` is the last one's code) or for more of one."""

    exit: int | None


class Stream:
    """What a command has written so far, and the prompt that ended it."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._mark = re.compile(re.escape(_BEGIN) + word.encode() + rb":(\d*)" + re.escape(_END))
        self._longest_mark = len(word) + 8
        self._text = bytearray()
        self._tail = bytearray()  # may be the beginning of a mark
        self.dropped = 0
        self.prompts: list[Prompt] = []
        self._at_prompt = 0  # so much was written before the last one

    def prompt(self, code: str) -> str:
        """What PS1 (``code`` is ``$?``) or PS2 (it is empty) has to be."""
        return f"{_BEGIN.decode()}{self._word}:{code}{_END.decode()}"

    def begin(self) -> None:
        """Forget what was written: something new is asked."""
        self._text.clear()
        self.dropped = 0
        self.prompts.clear()
        self._at_prompt = 0

    def feed(self, data: bytes) -> None:
        """Take what the terminal gave."""
        pending = bytes(self._tail) + data
        place = 0
        for found in self._mark.finditer(pending):
            self._keep(pending[place : found.start()])
            self.prompts.append(Prompt(int(found[1]) if found[1] else None))
            self._at_prompt = len(self._text)
            place = found.end()
        rest = pending[place:]
        begun = rest.rfind(_BEGIN)
        if begun < 0 or len(rest) - begun > self._longest_mark:
            begun = len(rest)
        self._keep(rest[:begun])
        self._tail = bytearray(rest[begun:])

    @property
    def late(self) -> bytes:
        """What was written behind the last prompt, if there is one: nobody was asked for it."""
        return bytes(self._text[self._at_prompt :]) if self.prompts else b""

    @property
    def written(self) -> bytes:
        return bytes(self._text)

    def _keep(self, data: bytes) -> None:
        room = MOST_BYTES - len(self._text)
        self._text += data[:room]
        self.dropped += max(0, len(data) - room)
