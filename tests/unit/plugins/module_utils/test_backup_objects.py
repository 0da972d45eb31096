# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a backup, and objects that are put back from it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import backup_objects
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_artifacts import part_size, parts_of
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_objects import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_take import escaped, unread_paths
from hypothesis import given
from hypothesis import strategies as st

MIB = 1 << 20
KEYS = st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=12)


def entries(keys: list[str]) -> list[Entry]:
    return [Entry(key, 1, "e", "t") for key in sorted(keys, key=lambda key: key.encode("utf-8", "surrogatepass"))]


@given(KEYS, KEYS)
def test_every_one_of_ours_gets_the_other_of_its_key(ours: list[str], others: list[str]) -> None:
    pairs = list(backup_objects.paired(entries(ours), entries(others)))
    assert [one.key for one, _other in pairs] == [entry.key for entry in entries(ours)]
    assert {one.key for one, other in pairs if other is not None} == set(ours) & set(others)
    assert all(other is None or other.key == one.key for one, other in pairs)


@given(
    st.text(min_size=1),
    st.integers(0),
    st.dictionaries(st.sampled_from(["ContentType"]), st.text(min_size=1)),
    st.booleans(),
)
def test_a_manifest_says_what_was_written(key: str, size: int, headers: dict[str, str], late: bool) -> None:
    entry = Entry(key, size, "e", "t", headers, late)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest"
        assert backup_objects.write(path, [entry]) == (1, size)
        assert list(backup_objects.read(path)) == [entry]


def test_no_manifest_holds_nothing(tmp_path: Path) -> None:
    assert list(backup_objects.read(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("size", "etag", "parts", "part"),
    [
        (10, "abc", 0, 0),
        (6 << 30, "abc", 0, 8 * MIB),
        (20 * MIB, "abc-3", 3, 8 * MIB),
        (20 * MIB, "abc-4", 4, 5 * MIB),
        (20 * MIB, "abc-2", 2, 16 * MIB),
        (7 * MIB, "abc-1", 1, 8 * MIB),
        (90 * MIB, "abc-4", 4, 23 * MIB),
    ],
)
def test_parts_as_an_object_was_stored(size: int, etag: str, parts: int, part: int) -> None:
    entry = Entry("k", size, etag, "t")
    assert (parts_of(entry), part_size(entry)) == (parts, part)


def test_the_same_by_its_listing() -> None:
    entry = Entry("k", 1, "e", "t", {"ContentType": "a"})
    assert entry.same(replace(entry, modified="u", headers={}))
    assert not entry.same(replace(entry, etag="f"))


def test_a_path_as_a_pattern_that_means_itself() -> None:
    assert escaped("/a/w*[1]?\\x$y") == "/a/w\\*\\[1\\]\\?\\\\x$$y"


def test_what_restic_could_not_read() -> None:
    error = '{"message_type":"error","error":{"message":"x"},"during":"archival","item":"/a"}'
    text = f'note\n{error}\n{{"message_type":"status"}}\n'
    assert list(unread_paths(text)) == ["/a"]
