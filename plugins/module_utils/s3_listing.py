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
# What a piece that should have ended is asked for next.
FEW_KEYS = 100
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


class Lister:
    """Lists a bucket from any key on; for several threads, each with a wire of its own."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Take what is listed; nothing is asked yet."""
        self._bucket = bucket
        self._prefix = prefix
        self._extended: bool | None = None

    def pages(
        self, wire: Wire, after: str = "", until: str | None = None, count: int = PAGE_KEYS
    ) -> Iterator[list[Entry]]:
        """List what is behind a key and not behind another, page by page, with so many keys on the first one.

        Raise ListingError where the store cuts it short.
        """
        parameters = {"list-type": "2", "encoding-type": "url", "prefix": self._prefix, "max-keys": str(count)}
        if after:
            parameters["start-after"] = after
        following = PAGE_KEYS if until is None else FEW_KEYS
        while True:
            page = self._page(wire, parameters)
            yield _between(page.entries, after, until)
            if not page.truncated or (until is not None and page.entries and page.entries[-1].key >= until):
                return
            if not page.token or page.token == parameters.get("continuation-token"):
                raise ListingError("the listing says that there is more, and not where it goes on.")
            parameters["continuation-token"] = page.token
            parameters["max-keys"] = str(following)
            following = min(following * 2, PAGE_KEYS)

    def _page(self, wire: Wire, parameters: Mapping[str, str]) -> Page:
        if self._extended is not False:
            page = self._extended_page(wire, parameters)
            if page is not None:
                return page
        return parse_page(_answer(wire, self._bucket, parameters))

    def _extended_page(self, wire: Wire, parameters: Mapping[str, str]) -> Page | None:
        """Return a page with metadata and tags, or nothing where it cannot be relied on."""
        try:
            page = parse_page(_answer(wire, self._bucket, {**parameters, "metadata": "true"}))
        except RefusedError:
            self._extended = False
            return None
        except ListingError:
            # Names of metadata can be what XML does not bear, and stores write them as they are. Other pages may do.
            return None
        if self._extended is None and page.entries:
            first = page.entries[0]
            self._extended = first.tags is not None and _may_see_tags(wire, self._bucket, first.key)
        return page if self._extended else page._replace(entries=[_bare(entry) for entry in page.entries])


def _bare(entry: Entry) -> Entry:
    return entry._replace(metadata=(), tags=None)


def _between(entries: list[Entry], after: str, until: str | None) -> list[Entry]:
    """Return what is wanted of a page; all of one that is in no order, so that this comes to light."""
    if any(one.key >= other.key for one, other in zip(entries, entries[1:])):
        return entries
    # One that does not know start-after begins at the front.
    return [entry for entry in entries if entry.key > after and (until is None or entry.key <= until)]


def _answer(wire: Wire, bucket: str, parameters: Mapping[str, str]) -> bytes:
    answer = wire.ask(Question("GET", f"/{bucket}", query_string(parameters)))
    if answer.status != 200:
        raise RefusedError(answer)
    return answer.body


def _may_see_tags(wire: Wire, bucket: str, key: str) -> bool:
    """Tell whether the key of the store may read tags: without that it lists all objects as if they had none."""
    answer = wire.ask(Question("GET", object_path(bucket, key), "tagging="))
    return answer.status in (200, 404)


class Pages:
    """Pages that one thread hands to another, a few at most."""

    def __init__(self, ahead: int = PAGES_AHEAD) -> None:
        """Take how many may wait."""
        self._pages: queue.Queue[list[Entry] | Exception | None] = queue.Queue(ahead)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Take no more."""
        self._stopped.set()

    def fill(self, source: Iterable[list[Entry]]) -> None:
        """Hand on all pages, or what is raised instead of one; give up after stop."""
        try:
            for page in source:
                if not self._put(page):
                    return
            self._put(None)
        except Exception as exc:
            self._put(exc)

    def __iter__(self) -> Iterator[Entry]:
        """Return entry by entry; raise what was raised for a page."""
        while (page := self._pages.get()) is not None:
            if isinstance(page, Exception):
                raise page
            yield from page

    def _put(self, page: list[Entry] | Exception | None) -> bool:
        """Hand on when there is room; False after stop."""
        while not self._stopped.is_set():
            try:
                self._pages.put(page, timeout=0.5)
            except queue.Full:
                continue
            return True
        return False


class Ahead(Pages):
    """Iterates over the entries of pages that another thread fetches a little ahead."""

    def __init__(self, source: Iterable[list[Entry]], ahead: int = PAGES_AHEAD) -> None:
        """Start to fetch."""
        super().__init__(ahead)
        threading.Thread(target=self.fill, args=(source,), daemon=True).start()


class Piece(NamedTuple):
    """What is behind one key and not behind another, if it ends, how much to expect, and where its pages go."""

    after: str
    until: str | None
    expected: int
    pages: Pages


class Pieces:
    """Lists a bucket in pieces, several at once, that end where the pages of another listing end.

    A store gives the pages of a listing one after the other only, and some need seconds for each.
    """

    def __init__(self, lister: Lister, wires: Iterable[Wire], after: str = "") -> None:
        """Start a thread for each wire; nothing is listed before it is cut."""
        self._lister = lister
        self._after = after
        self._wanted: queue.Queue[Piece | None] = queue.Queue()
        self._ordered: queue.Queue[Piece | Exception] = queue.Queue()
        self._current: Piece | None = None
        self._stopped = threading.Event()
        self._threads = 0
        for wire in wires:
            self._threads += 1
            threading.Thread(target=self._fetch, args=(wire,), daemon=True).start()

    def cut_along(self, pages: Iterable[list[Entry]]) -> Iterator[list[Entry]]:
        """Pass pages of the other listing on, and begin with the piece of each."""
        try:
            for page in pages:
                if page:
                    self._cut(page[-1].key, len(page))
                yield page
            self._cut(None, PAGE_KEYS)
        except Exception as exc:
            self._ordered.put(exc)
            raise

    def stop(self) -> None:
        """Fetch no more; a request that is on its way is not waited for."""
        self._stopped.set()
        piece: Piece | Exception | None = self._current
        while piece is not None:
            if isinstance(piece, Piece):
                piece.pages.stop()
            piece = None if self._ordered.empty() else self._ordered.get()
        for _ in range(self._threads):
            self._wanted.put(None)

    def __iter__(self) -> Iterator[Entry]:
        """Return entry by entry; raise what the fetching raised, or the other listing."""
        while not self._stopped.is_set():
            piece = self._ordered.get()
            if isinstance(piece, Exception):
                raise piece
            self._current = piece
            yield from piece.pages
            if piece.until is None:
                return

    def _cut(self, until: str | None, count: int) -> None:
        piece = Piece(self._after, until, count, Pages())
        self._after = until or self._after
        self._wanted.put(piece)
        self._ordered.put(piece)

    def _fetch(self, wire: Wire) -> None:
        while (piece := self._wanted.get()) is not None:
            if not self._stopped.is_set():
                piece.pages.fill(self._lister.pages(wire, piece.after, piece.until, piece.expected))
        wire.close()
