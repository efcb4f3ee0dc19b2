"""What a terminal would show for the bytes written to it."""

import pytest

from guidebook.terminal.screen import render


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (b"", []),
        (b"a", ["a"]),
        (b"a\r\n", ["a"]),
        (b"a\r\nb", ["a", "b"]),
        (b"a\r\n\r\n", ["a", ""]),
        (b"\r\n", [""]),
        (b"a  \r\n", ["a"]),
        (b"10 %\r100 %\r\n", ["100 %"]),
        (b"loading\rdone\r\n", ["doneing"]),
        (b"loading\r\x1b[Kdone\r\n", ["done"]),
        (b"loading\x1b[2K\rdone\r\n", ["done"]),
        (b"abc\b\bX\r\n", ["aXc"]),
        (b"\b\ba\r\n", ["a"]),
        (b"a\tb\r\n", ["a       b"]),
        (b"\x1b[1;31mred\x1b[0m\r\n", ["red"]),
        (b"\x1b]0;title\x07a\r\n", ["a"]),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\r\n", ["link"]),
        (b"\x1b(Ba\r\n", ["a"]),
        ("Grüße 日本 ✓\r\n".encode(), ["Grüße 日本 ✓"]),
        (b"\xff\xfe\r\n", ["\ufffd\ufffd"]),
        (b"a\x00b\r\n", ["a\x00b"]),
        (b"\x1b[", [""]),
    ],
)
def test_bytes_are_shown_as(written: bytes, lines: list[str]) -> None:
    assert render(written) == lines
