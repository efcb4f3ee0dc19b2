"""``python -m card_gateway --ledger FILE``: serve until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from card_gateway.api import Api
from card_gateway.charging import Charging
from card_gateway.ledger import Ledger, LedgerError
from host_guard import own_hosts

PORT = 8190
LATE_S = 30.0
STOP_WITHIN_S = 1


def main() -> int:
    """Serve; return 2 for what can't be served."""
    options = _parser().parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        listener = _listen(options)
    except OSError as error:
        where = (
            f"descriptor {options.fd}"
            if options.fd is not None
            else f"{options.host}:{options.port}"
        )
        print(f"card_gateway: can't listen on {where}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        ledger = Ledger(options.ledger)
    except LedgerError as error:
        listener.close()
        print(f"card_gateway: {error}", file=sys.stderr)  # noqa: T201
        return 2
    url = options.url or "http://{}:{}".format(*listener.getsockname()[:2])
    # uvicorn hands the signal on once it has stopped; the ledger is to be closed then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        hosts = own_hosts(options.host, urlsplit(url).hostname or "", *options.hosts)
        app = Api(Charging(ledger, url.rstrip("/")), late_s=options.late).app(hosts)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            # Some requests are held on purpose: a stop waits for nobody.
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
        print(f"card gateway on {url}, ledger {options.ledger}", flush=True)  # noqa: T201
        asyncio.run(uvicorn.Server(config).serve([listener]))
    except KeyboardInterrupt:
        pass
    finally:
        ledger.close()
        listener.close()
    return 0


def _listen(options: argparse.Namespace) -> socket.socket:
    if options.fd is not None:
        return socket.socket(fileno=options.fd)
    return socket.create_server((options.host, options.port))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m card_gateway", description="A simulated card gateway with a ledger."
    )
    parser.add_argument(
        "--ledger", type=Path, required=True, metavar="FILE", help="made where there is none"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="default: loopback; it asks nobody who they are"
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"default: {PORT}; 0 takes a free one"
    )
    parser.add_argument(
        "--fd", type=int, metavar="N", help="a listening socket that was handed down"
    )
    parser.add_argument(
        "--url", help="how card holders reach it, where that differs from where it listens"
    )
    parser.add_argument(
        "--hosts",
        type=_names,
        default=os.environ.get("CARD_GATEWAY_HOSTS", ""),
        metavar="NAME,NAME",
        help="names under which it is asked, beside localhost, addresses and that of --url; default: CARD_GATEWAY_HOSTS",
    )
    parser.add_argument(
        "--late",
        type=float,
        default=LATE_S,
        metavar="SECONDS",
        help=f"how late is too late; default: {LATE_S:.0f}",
    )
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    sys.exit(main())
