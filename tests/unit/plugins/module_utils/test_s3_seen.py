# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen of objects that are the same: written block by block, and read as it was written or not at all."""

from __future__ import annotations

import io
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_seen import DamagedError, block, digest, is_one, read
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)
BLOCKS = st.lists(st.lists(st.tuples(KEYS, st.binary(min_size=16, max_size=16)), max_size=9), max_size=5)
ENTRY = Entry("a", 1, "e", "2026-11-21T13:43:05.874Z", (("content-type", "x"),), "k=v")


@given(BLOCKS)
def test_what_is_written_is_read(blocks: list[list[tuple[str, bytes]]]) -> None:
    data = b"".join([block(seen) for seen in blocks])
    assert list(read(io.BytesIO(data + b"what a killed run left"), len(data))) == [
        row for seen in blocks for row in seen
    ]
    assert is_one(io.BytesIO(data))


@given(BLOCKS, st.data())
def test_damage_is_noticed_or_does_none(blocks: list[list[tuple[str, bytes]]], data: st.DataObject) -> None:
    whole = b"".join([block(seen) for seen in blocks])
    rows = [row for seen in blocks for row in seen]
    if not whole:
        return
    at = data.draw(st.integers(0, len(whole) - 1))
    for broken in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :], whole[:at].ljust(len(whole))):
        if broken == whole:
            continue
        found: list[tuple[str, bytes]] = []
        try:
            found.extend(read(io.BytesIO(broken), len(whole)))
        except DamagedError:
            assert found == rows[: len(found)]
        else:
            # A bit that fills up a byte means nothing.
            assert found == rows


@pytest.mark.parametrize(
    "change",
    [
        {"size": 2},
        {"etag": "f"},
        {"modified": "2026-11-21T13:43:05.875Z"},
        {"metadata": (("content-type", "y"),)},
        {"tags": "k=w"},
        {"tags": ""},
        {"tags": None},
    ],
)
def test_digest_is_of_all_that_is_told(change: dict[str, Any]) -> None:
    changed = ENTRY._replace(**change)
    digests = {digest(*pair) for pair in ((ENTRY, ENTRY), (changed, ENTRY), (ENTRY, changed), (changed, changed))}
    assert len(digests) == 4
    assert digest(ENTRY, changed) == digest(ENTRY._replace(key="b"), changed)


def test_other_files_are_known() -> None:
    assert is_one(io.BytesIO())
    assert not is_one(io.BytesIO(b"x"))
    assert not is_one(io.BytesIO(b"precious data"))
