"""One try to reach one address, without the connection that will be made of it knowing: it may come to nothing."""

import asyncio
import socket


async def reach(
    loop: asyncio.AbstractEventLoop, address: str, port: int, within_s: float
) -> socket.socket:
    """A connected socket. Raises ``OSError``, of which ``TimeoutError`` is one; leaves no socket open then."""
    opening = socket.socket(
        socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM
    )
    try:
        opening.setblocking(False)
        async with asyncio.timeout(within_s):
            await loop.sock_connect(opening, (address, port))
    except BaseException:
        opening.close()
        raise
    return opening
