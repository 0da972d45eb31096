# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A listing in pieces along the pages of another one: what a plain listing would give, whatever either side has."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote_plus

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import Ahead, Entry, Lister, ListingError, Pieces
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_wire import Answer, Question
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.sets(st.text(st.characters(codec="utf-8"), min_size=1, max_size=3), max_size=60)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


class ListedWire:
    """A connection to a store that has some keys."""

    def __init__(self, keys: set[str], knows_start: bool = True) -> None:
        self.keys = sorted(keys, key=str.encode)
        self.knows_start = knows_start
        self.given = 0

    def close(self) -> None:
        """Nothing is open."""

    def ask(self, question: Question) -> Answer:
        values = {name: value[0] for name, value in parse_qs(question.query).items()}
        after = values.get("start-after", "") if self.knows_start else ""
        if "continuation-token" in values:
            after = bytes.fromhex(values["continuation-token"]).decode()
        left = [key for key in self.keys if key > after]
        shown = left[: int(values["max-keys"])]
        self.given += len(shown)
        rows = "".join(
            f"<Contents><Key>{quote_plus(key)}</Key><Size>1</Size><ETag>e</ETag><LastModified>t</LastModified></Contents>"
            for key in shown
        )
        more = len(shown) < len(left)
        token = f"<NextContinuationToken>{shown[-1].encode().hex()}</NextContinuationToken>" if more else ""
        document = (
            f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{rows}</ListBucketResult>"
        )
        return Answer(200, {}, document.encode())


def cut(keys: set[str], sizes: list[int], after: str) -> list[list[Entry]]:
    """Return the pages of the other listing, of sizes that repeat."""
    left = [Entry(key, 1, "e", "t") for key in sorted(keys, key=str.encode) if key > after]
    pages: list[list[Entry]] = []
    while left:
        size = sizes[len(pages) % len(sizes)]
        pages.append(left[:size])
        left = left[size:]
    return [*pages, []]


@given(KEYS, KEYS, SIZES, st.text(st.characters(codec="utf-8"), max_size=2), st.integers(1, 3), st.booleans())
def test_pieces_are_the_whole(
    ours: set[str], theirs: set[str], sizes: list[int], after: str, threads: int, knows_start: bool
) -> None:
    wires: list[Any] = [ListedWire(theirs, knows_start) for _ in range(threads)]
    pieces = Pieces(Lister("bucket", ""), wires, after)
    pages = cut(ours, sizes, after)
    other = Ahead(pieces.cut_along(iter(pages)), len(pages) + 1)
    assert [entry.key for entry in pieces] == [key for key in sorted(theirs, key=str.encode) if key > after]
    assert [entry.key for entry in other] == [entry.key for page in pages for entry in page]
    pieces.stop()


def test_nothing_is_listed_twice_where_both_sides_are_the_same() -> None:
    keys = {f"{number:03d}" for number in range(100)}
    wire: Any = ListedWire(keys)
    pieces = Pieces(Lister("bucket", ""), [wire])
    list(Ahead(pieces.cut_along(cut(keys, [10], "")), 20))
    assert len(list(pieces)) == 100
    assert wire.given == 100


def test_error_of_the_other_listing_is_passed_on() -> None:
    def pages() -> Any:
        yield [Entry("a", 1, "e", "t")]
        raise ListingError("broken.")

    wire: Any = ListedWire({"a", "b"})
    pieces = Pieces(Lister("bucket", ""), [wire])
    with pytest.raises(ListingError, match="broken"):
        list(Ahead(pieces.cut_along(pages()), 3))
    found: list[Entry] = []
    with pytest.raises(ListingError, match="broken"):
        found.extend(pieces)
    pieces.stop()


def test_page_without_order_is_shown_as_it_is() -> None:
    wire: Any = ListedWire(set())
    wire.keys = ["a", "z", "b"]
    pages = Lister("bucket", "").pages(wire, "", "m", 3)
    assert [entry.key for page in pages for entry in page] == ["a", "z", "b"]
