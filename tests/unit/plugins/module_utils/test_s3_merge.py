# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The merge of two sorted listings, against sets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_merge import (
    UnsortedError,
    in_order,
    merge,
    with_known,
)
from hypothesis import given
from hypothesis import strategies as st


class Item(NamedTuple):
    key: str
    side: str


# Surrogates are no UTF-8; private and astral characters are where other orders differ from that of the bytes.
KEYS = st.sets(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), max_size=30)


def listing(keys: set[str], side: str) -> list[Item]:
    """As S3 has to list them: by the bytes of UTF-8."""
    return [Item(key, side) for key in sorted(keys, key=str.encode)]


@given(KEYS, KEYS)
def test_merge_is_what_sets_say(ours: set[str], theirs: set[str]) -> None:
    merged = list(merge(listing(ours, "left"), listing(theirs, "right")))
    assert {one.key for one, other in merged if one and other} == ours & theirs
    assert {one.key for one, other in merged if one and not other} == ours - theirs
    assert {other.key for one, other in merged if other and not one} == theirs - ours
    keys = [item.key for one, other in merged if (item := one or other)]
    assert len(keys) == len(merged) == len(ours | theirs)
    assert keys == sorted(ours | theirs, key=str.encode)
    assert all(one is None or one.side == "left" for one, _ in merged)
    assert all(other is None or other.side == "right" for _, other in merged)


@given(KEYS, KEYS, KEYS)
def test_known_things_find_their_keys(ours: set[str], theirs: set[str], known: set[str]) -> None:
    merged = list(merge(listing(ours, "left"), listing(theirs, "right")))
    things = [(key, f"known {key}") for key in sorted(known, key=str.encode)]
    found = list(with_known(merged, things))
    assert [(one, other) for one, other, _ in found] == merged
    for one, other, thing in found:
        key = (one or other or Item("", "")).key
        assert thing == (f"known {key}" if key in known else None)


@given(KEYS, KEYS)
def test_looks_ahead_by_one_entry(ours: set[str], theirs: set[str]) -> None:
    taken: dict[str, list[str]] = {"left": [], "right": []}

    def counted(items: list[Item]) -> Iterator[Item]:
        for item in items:
            taken[item.side].append(item.key)
            yield item

    given_out: set[str] = set()
    for one, other in merge(counted(listing(ours, "left")), counted(listing(theirs, "right"))):
        given_out |= {item.key for item in (one, other) if item}
        for keys in taken.values():
            assert len([key for key in keys if key not in given_out]) <= 1


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=3), max_size=8))
def test_order_is_that_of_the_bytes_and_strict(keys: list[str]) -> None:
    right = all(one.encode() < other.encode() for one, other in itertools.pairwise(keys))
    items = [Item(key, "left") for key in keys]
    if right:
        assert list(in_order(items, "source")) == items
    else:
        with pytest.raises(UnsortedError):
            list(in_order(items, "source"))


@pytest.mark.parametrize("keys", [["b", "a"], ["a", "a"], ["\U0001f600", "\ufffd"], ["a", "B"]])
def test_listing_in_another_order_is_named(keys: list[str]) -> None:
    with pytest.raises(UnsortedError) as caught:
        list(merge([], [Item(key, "right") for key in keys], ("minio", "rustfs")))
    assert str(caught.value) == (
        f"rustfs: the listing is not sorted by the bytes of its keys, {keys[1]!r} comes after {keys[0]!r},"
        " and cannot be compared; look at the version of the store."
    )
