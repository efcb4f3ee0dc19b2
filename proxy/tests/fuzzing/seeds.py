"""Where the fuzzer begins: the tables' rows, made into inputs of each target; and words that are worth trying."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import request_tables
import response_tables

import stranglerfig.config
from stranglerfig.signing import sign
from stranglerfig.signing.wrote import Wrote, write_wrote

MAX_SEED_BYTES = 2048
_END = b"\r\n\r\n"
_ONE_PIECE = b"\0"


def client_streams() -> Iterator[bytes]:
    """Each row of the tables of requests, with another request behind it."""
    tables = request_tables
    rows = [
        *(tables.HEAD + row + _END + b"hello" for row in tables.LENGTHS),
        *(tables.HEAD + row + _END + tables.CHUNKS for row in tables.CODINGS),
        *(tables.CHUNKED + row for row in tables.CHUNK_TRICKS),
        *(row + b"\r\nHost: a\r\n\r\n" for row in tables.LINES),
        *(b"GET / HTTP/1.1\r\nHost: a\r\n" + row + _END for row in tables.HEADERS),
        *(b"GET / HTTP/1.1\r\n" + row + _END for row in tables.HOSTS),
    ]
    for number, row in enumerate(rows):
        cuts = _ONE_PIECE if number % 2 else bytes([1, 0, (7 * number) % 90])
        yield cuts + row + tables.LAST


def upstream_streams() -> Iterator[bytes]:
    """Each row of the tables of answers, also as the answer to HEAD and to HTTP/1.0."""
    tables = response_tables
    rows = [
        *(row + b"\r\nContent-Length: 5\r\n\r\nhello" for row in tables.STATUS_LINES),
        *(
            b"HTTP/1.1 200 OK\r\n" + row + _END + (tables.HELLO if b"ransfer-" in row else b"hello")
            for row in tables.HEADERS
        ),
        *(tables.CHUNKED + row for row in tables.CHUNKS),
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 204 No Content\r\n\r\n" + tables.OK,
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nCache-Control: public\r\nContent-Length: 0\r\n\r\n",
    ]
    for number, row in enumerate(rows):
        yield bytes([number % 8]) + _ONE_PIECE + row


def targets() -> Iterator[bytes]:
    """Targets of the table, and paths that somebody reads differently."""
    for line in request_tables.LINES:
        yield line.split(b" ")[1] if b" " in line else line
    yield from (
        b"/_chassis/livez",
        b"/%5fchassis/livez",
        b"//a/../_chassis",
        b"/caf%C3%A9/%ff?x=/..",
        b"/a;b=c/%2e%2E/%00",
        b"/a%2Fb/./c",
    )


def cookies() -> Iterator[bytes]:
    """Cookie headers with and without the proxy's own."""
    yield from (
        b"sessionid=abc; csrftoken=def",
        b"fig_user=0123456789abcdefABCDEF; sessionid=abc",
        b'a="b;c"; fig_wrote=v1.x.y;fig_wrote=z ; =d',
        b"fig_user; fig_users=1; xfig_user=2; fig_user =3",
        b"a=\xff\xfe; $Version=1; fig_wrote=",
    )


def forwarded() -> Iterator[bytes]:
    """Header lines behind a byte that chooses the peer."""
    lines = (
        b"X-Forwarded-For: 203.0.113.9, 10.2.3.4",
        b"x-forwarded-for: [2001:db8::1]:80\r\nX-Forwarded-For: unknown",
        b'Forwarded: for="[::1]";proto=https\r\nX-Forwarded-Proto: https, http',
        b"X-Forwarded-Host: b\r\nX-Forwarded-Port: 8443\r\nX-Real-IP: 1.2.3.4",
        b"X-Request-Id: abc-DEF_1.2\r\nX_Forwarded_For: 1.2.3.4\r\nX-Forwarded-Prefix: /a",
    )
    for number, line in enumerate(lines):
        yield bytes([number]) + line
        yield bytes([number + 2]) + line


def signed() -> Iterator[bytes]:
    """Values signed with another key, and payloads."""
    strange = b"somebody else's key"
    yield sign("Fig-Force", "catalog=service", 1_900_000_000, strange).encode()
    yield write_wrote({"abcdefgh": Wrote("m", 1_800_000_000_000)}, strange).encode()
    yield b"catalog=service,payments=monolith"
    yield b"a=monolith, a=service"
    yield b"\x05\x03abc"


def configs() -> Iterator[bytes]:
    """The example, its parts, and what is written wrongly."""
    whole = (Path(stranglerfig.config.__file__).parent / "example.fig.yaml").read_text()
    lines = [line.partition(" #")[0].rstrip() for line in whole.splitlines()]
    yield "\n".join(line for line in lines if line and not line.startswith("#")).encode()
    head = b"upstreams:\n  monolith: http://127.0.0.1:8100\n  c: {url: http://127.0.0.1:1}\n"
    yield head
    claim = b"capabilities:\n  c:\n    upstream: c\n    stage: canary\n    percent: 10\n    routes: [GET /a/**, {match: POST /b, safe: true}]\n"
    yield head + claim
    yield head + claim + b"fallthrough: none\ntrusted_proxies: [10.0.0.0/8]\nlisten: '[::1]:80'\n"
    yield head + claim.replace(b"canary", b"canari").replace(b"10", b"-1e3").replace(b"/a/**", b"/{a}/*b")  # fmt: skip
    yield head + b"? [a]\n: {b: c}\n&x !!y: |\n z\n--- \n"
    yield b'"\\ud800": [[{}, ~, 0x1, 1_0, .inf, yes]]\n'


def words() -> Iterator[bytes]:
    """What libFuzzer may put anywhere: names, values and tricks of HTTP and of fig.yaml."""
    for table in (request_tables.LENGTHS, request_tables.CODINGS, request_tables.HEADERS):
        yield from (row for row in table if len(row) < 60)
    yield from (row for row in request_tables.CHUNK_TRICKS if len(row) < 40)
    yield from (row for row in response_tables.STATUS_LINES if len(row) < 40)
    yield from (
        b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"0\r\n\r\n", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" RTSP/1.0\r\n", b"chunked", b"close",
        b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"Proxy-Connection: close\r\n", b"Expect: 100-continue\r\n", b"Cookie: ",
        b"fig_user=", b"fig_wrote=", b"X-Forwarded-For: ", b"X_Forwarded_For: ", b"Fig-Force: ", b"HEAD ", b"OPTIONS * ",
        b"http://a", b"/_chassis", b"%2e%2e", b"%00", b"%ff", b"//", b"/../", b"upstreams:", b"capabilities:", b"routes:",
        b"stage: canary", b"percent: ", b"match: ", b"**", b"{a}", b"\n  - ", b"upstream: ",
    )  # fmt: skip


def write(seeds: Iterable[bytes], folder: Path) -> None:
    """Write a target's seeds as files, for libFuzzer."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        if len(seed) <= MAX_SEED_BYTES:
            (folder / f"{number:04d}").write_bytes(seed)


def write_words(file: Path) -> None:
    """Write the dictionary in libFuzzer's format."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = ("".join(f"\\x{byte:02X}" for byte in word) for word in dict.fromkeys(words()) if word)
    file.write_text("".join(f'"{line}"\n' for line in lines))
