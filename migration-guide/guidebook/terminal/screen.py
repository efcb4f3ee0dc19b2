"""What a terminal would show for the bytes written to it: lines, after carriage returns and erasures."""

import re

_ESCAPE = re.compile(r"\x1b(?:\[([0-?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_TAB = 8


def render(written: bytes) -> list[str]:
    """The lines as read. A final line break ends the last line, and begins none."""
    text = written.decode("utf-8", errors="replace")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [_line(line).rstrip() for line in lines]


def _line(text: str) -> str:
    text = text.removesuffix("\r")
    if "\r" not in text and "\b" not in text and "\t" not in text and "\x1b" not in text:
        return text
    cells: list[str] = []
    cursor = 0
    place = 0
    while place < len(text):
        sign = text[place]
        if found := _ESCAPE.match(text, place):
            if found[2] == "K":
                cells = _erase(cells, cursor, found[1] or "0")
            place = found.end()
            continue
        place += 1
        if sign == "\r":
            cursor = 0
        elif sign == "\b":
            cursor = max(0, cursor - 1)
        else:
            signs = " " * (_TAB - cursor % _TAB) if sign == "\t" else sign
            for one in signs:
                cells[cursor : cursor + 1] = [one]
                cursor += 1
    return "".join(cells)


def _erase(cells: list[str], cursor: int, what: str) -> list[str]:
    if what == "0":
        return cells[:cursor]
    if what == "1":
        return [" "] * min(cursor, len(cells)) + cells[cursor:]
    return [" "] * cursor
