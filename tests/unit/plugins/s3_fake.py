# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small S3 stores in this process that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, unquote, urlencode
from xml.sax.saxutils import escape

# As an upload in parts would have it.
PARTS = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(21_875))


@dataclass
class Thing:
    """An object of a store."""

    body: bytes = b""
    etag: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    modified: float = 1_700_000_000.0

    def __post_init__(self) -> None:
        self.etag = self.etag or hashlib.md5(self.body, usedforsecurity=False).hexdigest()

    def told(self) -> str:
        """As MinIO lists it: names as they are, in any order, and an element that each entry has."""
        rows = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in self.headers.items())
        tags = f"<UserTags>{escape(urlencode(self.tags))}</UserTags>" if self.tags else ""
        return f"<UserMetadata>{rows}</UserMetadata>{tags}<Internal><K>1</K></Internal>"


class FakeStore(ThreadingHTTPServer):
    """Lists, gives headers, content and tags."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.things: dict[str, Thing] = {}
        self.asked: list[str] = []
        self.name = "MinIO"
        self.page = 10
        # Whether its listing tells metadata and tags to whom asks for them.
        self.tells = False
        # Called with method, key and the handler before it answers; True if it answered itself.
        self.before: Callable[[str, str, Handler], bool] = lambda *_: False
        self.order: Callable[[str], Any] = str.encode

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def count(self, method: str) -> int:
        return sum(line.startswith(method) for line in self.asked)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that closes a connection is part of the test."""


class Handler(BaseHTTPRequestHandler):
    server: FakeStore
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: Any) -> None:
        """Keep the output of the tests clean."""

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return self.server.name

    def error(self, status: int, code: str) -> None:
        self.reply(status, f"<Error><Code>{code}</Code></Error>".encode())

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        # Not from urlsplit alone: a path that begins with two slashes is a path.
        path, _, query = self.path.partition("?")
        values = {name: value[0] for name, value in parse_qs(query, keep_blank_values=True).items()}
        bucket, _, key = unquote(path[1:]).partition("/")
        self.server.asked.append(f"{self.command} {key}{'?tagging' if 'tagging' in values else ''}")
        if self.server.before(self.command, key, self):
            return
        if bucket != "bucket":
            self.error(404, "NoSuchBucket")
        elif not key and self.command == "GET":
            self.list(values)
        elif not key:
            self.reply(200)
        else:
            self.give(key, "tagging" in values)

    def list(self, values: dict[str, str]) -> None:
        after = values.get("continuation-token") or values.get("start-after", "")
        order = self.server.order
        ranked = [(order(key), key) for key in self.server.things if key.startswith(values["prefix"])]
        keys = [key for rank, key in sorted(ranked) if not after or rank > order(after)]
        size = min(self.server.page, int(values["max-keys"]))
        shown, more = keys[:size], len(keys) > size
        rows = []
        for key in shown:
            thing = self.server.things[key]
            when = time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime(thing.modified))
            rows.append(
                f"<Contents><Key>{quote_plus(key, safe='/')}</Key><LastModified>{when}</LastModified>"
                f"<ETag>&quot;{thing.etag}&quot;</ETag><Size>{len(thing.body)}</Size>"
                f"{thing.told() if self.server.tells and 'metadata' in values else ''}</Contents>"
            )
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        document = (
            "<ListBucketResult><EncodingType>url</EncodingType>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(rows)}</ListBucketResult>"
        )
        self.reply(200, document.encode())

    def give(self, key: str, tagging: bool) -> None:
        thing = self.server.things.get(key)
        if thing is None:
            self.error(404, "NoSuchKey")
            return
        if tagging:
            rows = "".join(
                f"<Tag><Key>{escape(k)}</Key><Value>{escape(v)}</Value></Tag>" for k, v in thing.tags.items()
            )
            self.reply(200, f"<Tagging><TagSet>{rows}</TagSet></Tagging>".encode())
            return
        if self.headers.get("if-match", f'"{thing.etag}"') != f'"{thing.etag}"':
            self.error(412, "PreconditionFailed")
            return
        when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(thing.modified))
        headers = {"ETag": f'"{thing.etag}"', "Last-Modified": when, **thing.headers}
        if thing.tags and self.server.name == "MinIO":
            headers["x-amz-tagging-count"] = str(len(thing.tags))
        body, status = thing.body, 200
        if "range" in self.headers:
            start = int(self.headers["range"].removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        self.reply(status, body, headers)


def serving() -> Iterator[FakeStore]:
    server = FakeStore()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def fill(source: FakeStore, target: FakeStore, things: dict[str, Thing]) -> None:
    source.things.update(things)
    target.things.update(
        {key: replace(thing, headers=dict(thing.headers), tags=dict(thing.tags)) for key, thing in things.items()}
    )


def some(count: int) -> dict[str, Thing]:
    return {f"key {number:05d}": Thing(b"%d" % number) for number in range(count)}
