"""An upstream that takes every connection and every request, and never answers: ``python -m benchmarks.load.hung``.

Its port is the one line that it prints."""

import asyncio
import sys


class Silent(asyncio.Protocol):
    """Reads, and that is all."""

    def data_received(self, data: bytes) -> None:
        """Nobody answers."""


async def serve() -> None:
    """Until this process is ended."""
    server = await asyncio.get_running_loop().create_server(Silent, "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
