# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listings of a bucket: pages of entries, in the order of their keys.

MinIO and RustFS list metadata and tags, too, where they are asked with `metadata=true`; others leave that unheard.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote_plus
from xml.parsers import expat

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_signature import object_path, query_string
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
    """An object as a listing tells it; the size is in bytes, metadata is in one order, tags are as in a URL.

    Tags are None where the listing does not tell them, which is not the same as an object without tags.
    """

    key: str
    size: int
    etag: str
    modified: str
    metadata: tuple[tuple[str, str], ...] = ()
    tags: str | None = None


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
        entries = [_entry(item, metadata, reader.page) for item, metadata in reader.entries]
    except (expat.ExpatError, KeyError, ValueError) as exc:
        raise ListingError(f"the listing is not S3's ({type(exc).__name__}: {exc}).") from exc
    if reader.root != "ListBucketResult":
        raise ListingError(f"the listing is not S3's (it is a {reader.root or 'nothing'}).")
    return Page(entries, reader.page.get("IsTruncated") == "true", reader.page.get("NextContinuationToken", ""))


def _entry(item: dict[str, str], metadata: list[tuple[str, str]], page: dict[str, str]) -> Entry:
    # MinIO lists metadata in another order each time.
    metadata.sort()
    return Entry(
        _unquoted(item["Key"], page),
        int(item["Size"]),
        item["ETag"].strip('"'),
        item["LastModified"],
        tuple(metadata),
        # Each entry of a store that was understood has this one.
        item.get("UserTags", "") if "Internal" in item else None,
    )


def _unquoted(key: str, page: dict[str, str]) -> str:
    # A store that does not know the encoding does not tell it either.
    return unquote_plus(key, errors="strict") if page.get("EncodingType") == "url" else key


class _Reader:
    """Collects the entries, each with its metadata, and the page's own values."""

    def __init__(self) -> None:
        self.root = ""
        self.page: dict[str, str] = {}
        self.entries: list[tuple[dict[str, str], list[tuple[str, str]]]] = []
        self._path: list[str] = []
        self._text = ""

    def start(self, name: str, _attributes: object) -> None:
        self._path.append(name)
        self._text = ""
        if len(self._path) == 1:
            self.root = name
        elif len(self._path) == 2 and name == "Contents":
            self.entries.append(({}, []))

    def end(self, name: str) -> None:
        self._path.pop()
        if len(self._path) == 2:
            if self._path[1] == "Contents":
                self.entries[-1][0][name] = self._text
        elif len(self._path) == 1:
            self.page[name] = self._text
        elif len(self._path) == 3 and self._path[1:] == ["Contents", "UserMetadata"]:
            self.entries[-1][1].append((name, self._text))
        self._text = ""

    def text(self, data: str) -> None:
        self._text += data


def pages(wire: Wire, bucket: str, prefix: str, after: str = "") -> Iterator[list[Entry]]:
    """List a bucket from behind a key, page by page; raise ListingError where the store cuts it short."""
    parameters = {"list-type": "2", "encoding-type": "url", "max-keys": str(PAGE_KEYS), "prefix": prefix}
    if after:
        parameters["start-after"] = after
    extended: bool | None = None
    while True:
        page = _page(wire, bucket, parameters, extended is not False)
        if extended is None and page.entries:
            extended = page.entries[0].tags is not None and _may_see_tags(wire, bucket, page.entries[0].key)
        entries = page.entries if extended else [entry._replace(metadata=(), tags=None) for entry in page.entries]
        # One that does not know start-after begins at the front.
        yield [entry for entry in entries if entry.key > after] if after else entries
        if not page.truncated:
            return
        if not page.token or page.token == parameters.get("continuation-token"):
            raise ListingError("the listing says that there is more, and not where it goes on.")
        parameters["continuation-token"] = page.token


def _page(wire: Wire, bucket: str, parameters: Mapping[str, str], extended: bool) -> Page:
    if extended:
        answer = wire.ask(Question("GET", f"/{bucket}", query_string({**parameters, "metadata": "true"})))
        try:
            if answer.status == 200:
                return parse_page(answer.body)
        except ListingError:
            # Names of metadata can be what XML does not bear, and stores write them as they are.
            pass
    answer = wire.ask(Question("GET", f"/{bucket}", query_string(parameters)))
    if answer.status != 200:
        raise RefusedError(answer)
    return parse_page(answer.body)


def _may_see_tags(wire: Wire, bucket: str, key: str) -> bool:
    """Tell whether the key of the store may read tags: without that it lists all objects as if they had none."""
    answer = wire.ask(Question("GET", object_path(bucket, key), "tagging="))
    return answer.status in (200, 404)


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
