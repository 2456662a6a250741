"""A provider that takes its time: `python -m tests.bench.provider PORT MILLISECONDS`.

It speaks the two calls of UAZAPI that a cadence makes, and keeps a ledger by `track_id`.
"""

import asyncio
import json
import sys
from collections import Counter

ledger: Counter[str] = Counter()


async def serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait: float
) -> None:
    """Answer one request, as a provider without keep-alive."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0].strip()
    body = await reader.readexactly(int(length or 0))
    if head.startswith("get /ledger"):
        most = max(ledger.values(), default=0)
        answer: dict[str, object] = {"messages": ledger.total(), "most": most}
    else:
        await asyncio.sleep(wait)
        told = json.loads(body)
        ledger[told["track_id"].partition(".")[0]] += 1
        answer = {"messageid": f"3EB0{ledger.total():012X}", "status": "pending"}
    text = json.dumps(answer).encode()
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        + f"Content-Length: {len(text)}\r\n\r\n".encode()
        + text
    )
    await writer.drain()
    writer.close()


async def main(port: int, wait: float) -> None:
    """Serve until the process ends."""
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, wait),
        "127.0.0.1",
        port,
        backlog=512,
    )
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]) / 1000))
