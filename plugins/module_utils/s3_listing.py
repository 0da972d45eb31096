# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listings of a bucket: pages of entries, in the order of their keys."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_plus
from xml.parsers import expat

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_signature import query_string
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_wire import Answer, Question, Wire

PAGE_KEYS = 1000
PAGES_AHEAD = 2


class ListingError(Exception):
    """A listing that cannot be relied on; the message is one sentence."""


class RefusedError(ListingError):
    """A listing that the store did not give."""

    def __init__(self, answer: Answer) -> None:
        """Keep what it answered."""
        super().__init__(f"the listing was answered {answer.status} {answer.code}".rstrip() + ".")


class Entry(NamedTuple):
    """An object as a listing tells it; the size is in bytes."""

    key: str
    size: int
    etag: str
    modified: str


class Page(NamedTuple):
    """A part of a listing and where it goes on."""

    entries: list[Entry]
    truncated: bool
    token: str


def parse_page(document: bytes) -> Page:
    """Read an answer to ListObjectsV2 with encoding-type url; raise ListingError where it is none."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(document, True)
        entries = [
            Entry(_unquoted(item["Key"], reader.page), int(item["Size"]), item["ETag"].strip('"'), item["LastModified"])
            for item in reader.entries
        ]
    except (expat.ExpatError, KeyError, ValueError) as exc:
        raise ListingError(f"the listing is not S3's ({type(exc).__name__}: {exc}).") from exc
    if reader.root != "ListBucketResult":
        raise ListingError(f"the listing is not S3's (it is a {reader.root or 'nothing'}).")
    return Page(entries, reader.page.get("IsTruncated") == "true", reader.page.get("NextContinuationToken", ""))


def _unquoted(key: str, page: dict[str, str]) -> str:
    # A store that does not know the encoding does not tell it either.
    return unquote_plus(key, errors="strict") if page.get("EncodingType") == "url" else key


class _Reader:
    """Collects the entries and the page's own values."""

    def __init__(self) -> None:
        self.root = ""
        self.page: dict[str, str] = {}
        self.entries: list[dict[str, str]] = []
        self._path: list[str] = []
        self._text = ""

    def start(self, name: str, _attributes: object) -> None:
        self._path.append(name)
        self._text = ""
        if len(self._path) == 1:
            self.root = name
        elif len(self._path) == 2 and name == "Contents":
            self.entries.append({})

    def end(self, name: str) -> None:
        self._path.pop()
        if len(self._path) == 1:
            self.page[name] = self._text
        elif len(self._path) == 2 and self._path[1] == "Contents":
            self.entries[-1][name] = self._text
        self._text = ""

    def text(self, data: str) -> None:
        self._text += data


def pages(wire: Wire, bucket: str, prefix: str, after: str) -> Iterator[list[Entry]]:
    """List a bucket from behind a key, page by page; raise ListingError where the store cuts it short."""
    parameters = {"list-type": "2", "encoding-type": "url", "max-keys": str(PAGE_KEYS), "prefix": prefix}
    if after:
        parameters["start-after"] = after
    while True:
        answer = wire.ask(Question("GET", f"/{bucket}", query_string(parameters)))
        if answer.status != 200:
            raise RefusedError(answer)
        page = parse_page(answer.body)
        # One that does not know start-after begins at the front.
        yield [entry for entry in page.entries if entry.key > after] if after else page.entries
        if not page.truncated:
            return
        if not page.token or page.token == parameters.get("continuation-token"):
            raise ListingError("the listing says that there is more, and not where it goes on.")
        parameters["continuation-token"] = page.token


class Ahead:
    """Iterates over the entries of pages that another thread fetches a little ahead."""

    def __init__(self, source: Iterable[list[Entry]], ahead: int = PAGES_AHEAD) -> None:
        """Start to fetch."""
        self._pages: queue.Queue[list[Entry] | Exception | None] = queue.Queue(ahead)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._fetch, args=(source,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Fetch no more; a request that is on its way is not waited for."""
        self._stopped.set()

    def __iter__(self) -> Iterator[Entry]:
        """Return entry by entry; raise what the fetching raised."""
        while (page := self._pages.get()) is not None:
            if isinstance(page, Exception):
                raise page
            yield from page

    def _fetch(self, source: Iterable[list[Entry]]) -> None:
        try:
            for page in source:
                if not self._put(page):
                    return
            self._put(None)
        except Exception as exc:
            self._put(exc)

    def _put(self, page: list[Entry] | Exception | None) -> bool:
        """Hand on when there is room; False after stop."""
        while not self._stopped.is_set():
            try:
                self._pages.put(page, timeout=0.5)
            except queue.Full:
                continue
            return True
        return False
