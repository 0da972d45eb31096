"""A store that has any number of objects and keeps none: for the memory of what lists and compares them.

`python s3_listings.py OBJECTS PORT ...` answers on each port of the loopback interface as MinIO would, to listings with
metadata and to questions for headers. It does not look at signatures.
"""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import parse_qs, unquote

FILES = 50
WRITTEN = "Sat, 21 Nov 2026 10:00:00 GMT"
LISTED = "2026-11-21T10:00:00.123Z"
PREFIX, MIDDLE, SUFFIX = "1/", "/artifacts/model/file-", ".bin"


def key_of(number: int) -> str:
    """Return a key; keys are in the order of their numbers."""
    return f"{PREFIX}{number // FILES:032x}{MIDDLE}{number % FILES:02d}{SUFFIX}"


def number_of(key: str) -> int:
    """Return the number of a key."""
    run, _, file = key.removeprefix(PREFIX).removesuffix(SUFFIX).partition(MIDDLE)
    return int(run, 16) * FILES + int(file)


def listing(objects: int, query: str) -> bytes:
    """Answer ListObjectsV2."""
    values = {name: value[0] for name, value in parse_qs(query).items()}
    after = values.get("continuation-token") or values.get("start-after")
    first = number_of(after) + 1 if after else 0
    end = min(objects, first + int(values.get("max-keys", 1000)))
    rows = [
        f"<Contents><Key>{key_of(number)}</Key><LastModified>{LISTED}</LastModified>"
        f"<ETag>&#34;{number:032x}&#34;</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass>"
        "<UserMetadata><content-type>text/plain</content-type></UserMetadata><Internal><K>1</K><M>0</M></Internal>"
        "</Contents>"
        for number in range(first, end)
    ]
    token = f"<NextContinuationToken>{key_of(end - 1)}</NextContinuationToken>" if end < objects else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><EncodingType>url</EncodingType>'
        f"<IsTruncated>{str(end < objects).lower()}</IsTruncated>{token}{''.join(rows)}</ListBucketResult>"
    ).encode()


def answer(objects: int, request: bytes) -> bytes:
    """Answer one request."""
    method, target, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
    path, _, query = target.partition("?")
    key = unquote(path[1:]).partition("/")[2]
    if not key:
        body = listing(objects, query) if method == "GET" else b""
        return b"HTTP/1.1 200 OK\r\nServer: MinIO\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    if query.startswith("tagging"):
        body = b"<Tagging><TagSet></TagSet></Tagging>"
        return b"HTTP/1.1 200 OK\r\nServer: MinIO\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    return (
        f'HTTP/1.1 200 OK\r\nServer: MinIO\r\nETag: "{number_of(key):032x}"\r\nLast-Modified: {WRITTEN}\r\n'
        "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\n"
    ).encode()


class Connection(asyncio.Protocol):
    """Answers one request after the other, however many come at once."""

    def __init__(self, objects: int) -> None:
        self._objects = objects
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        assert isinstance(self._transport, asyncio.Transport)  # noqa: S101 (what a server's protocol always has)
        self._transport.write(b"".join([answer(self._objects, request) for request in requests]))


async def serve(objects: int, ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: Connection(objects), "127.0.0.1", port) for port in ports]
    print("ready", flush=True)
    await asyncio.gather(*[server.serve_forever() for server in servers])


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
