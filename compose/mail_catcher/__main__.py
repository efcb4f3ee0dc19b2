"""``python -m mail_catcher --box FILE``: take mails and show them until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from host_guard import own_hosts
from mail_catcher import smtp
from mail_catcher.api import Api
from mail_catcher.box import Box, BoxError

PORT = 8191
SMTP_PORT = 8192
KEEP = 10_000
KEEP_BYTES = 1024**3
MOST = 10**12
STOP_WITHIN_S = 1


def main() -> int:
    """Serve; return 2 for what can't be served."""
    options = _parser().parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells each command
    try:
        pages = _listen(options.host, options.port)
        mails = _listen(options.host, options.smtp_port)
    except OSError as error:
        print(f"mail_catcher: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        box = Box(options.box, keep=options.keep, keep_bytes=options.keep_bytes)
    except BoxError as error:
        print(f"mail_catcher: {error}", file=sys.stderr)  # noqa: T201
        return 2
    # uvicorn hands the signal on once it has stopped; the box is to be closed then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        print(  # noqa: T201
            f"mail catcher: mails at smtp://{_at(mails)}, pages at http://{_at(pages)}", flush=True
        )
        asyncio.run(_serve(box, own_hosts(options.host, *options.hosts), pages, mails))
    except KeyboardInterrupt:
        pass
    finally:
        box.close()
    return 0


async def _serve(
    box: Box, hosts: frozenset[str], pages: socket.socket, mails: socket.socket
) -> None:
    loop = asyncio.get_running_loop()
    config = uvicorn.Config(
        Api(box).app(hosts),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    server = await loop.create_server(lambda: smtp.protocol(box, loop), sock=mails)
    try:
        await uvicorn.Server(config).serve([pages])
    finally:
        server.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise OSError(
            error.errno, f"can't listen on {host}:{port}: {error.strerror or error}"
        ) from error


def _at(listener: socket.socket) -> str:
    return "{}:{}".format(*listener.getsockname()[:2])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mail_catcher",
        description="A mail server that takes every mail, delivers none, and shows what it took.",
    )
    parser.add_argument(
        "--box", type=Path, required=True, metavar="FILE", help="made where there is none"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="default: loopback; it asks nobody who they are"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=PORT,
        help=f"pages and JSON; default: {PORT}; 0 takes a free one",
    )
    parser.add_argument(
        "--hosts",
        type=_names,
        default=os.environ.get("MAIL_CATCHER_HOSTS", ""),
        metavar="NAME,NAME",
        help="names under which it is asked, beside localhost and addresses; default: MAIL_CATCHER_HOSTS",
    )
    parser.add_argument(
        "--smtp-port",
        type=int,
        default=SMTP_PORT,
        metavar="PORT",
        help=f"mails; default: {SMTP_PORT}; 0 takes a free one",
    )
    parser.add_argument(
        "--keep",
        type=_positive,
        default=KEEP,
        metavar="N",
        help=f"so many mails, the newest; default: {KEEP:,}",
    )
    parser.add_argument(
        "--keep-bytes",
        type=_positive,
        default=KEEP_BYTES,
        metavar="N",
        help=f"of so many bytes together; default: {KEEP_BYTES:,}",
    )
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _positive(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST:,}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
