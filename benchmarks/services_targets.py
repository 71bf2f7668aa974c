"""Services to be looked at: one port that answers every request, one that never does.

python -m benchmarks.services_targets ANSWERING_PORT HANGING_PORT
"""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def main(answering: int, hanging: int) -> None:
    servers = [
        await asyncio.start_server(answer, "127.0.0.1", answering, backlog=1024),
        await asyncio.start_server(hang, "127.0.0.1", hanging, backlog=1024),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until whoever asked gives up."""
    try:
        while await reader.read(1024):
            continue
    except ConnectionError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
