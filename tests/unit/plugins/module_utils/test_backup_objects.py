# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a backup, and objects that are put back from it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import backup_objects
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_artifacts import part_size, parts_of
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_objects import Entry, told
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


class Store:
    """A bucket whose objects have headers, and a note of which were asked for."""

    def __init__(self, gone: str = "") -> None:
        self.gone = gone
        self.asked: list[str] = []

    def heads(self, entries: Sequence[Entry]) -> list[Entry | None]:
        self.asked += [entry.key for entry in entries]
        return [None if entry.key == self.gone else replace(entry, headers={"ContentType": "a"}) for entry in entries]


def test_headers_are_asked_for_once(tmp_path: Path) -> None:
    listed = [Entry("a", 1, "e", "t"), Entry("b", 2, "e", "t"), Entry("c", 3, "e", "t")]
    first, second = Store(gone="b"), Store()
    assert backup_objects.take(listed, first.heads, tmp_path / "none", tmp_path / "one") == (2, 4)
    assert first.asked == ["a", "b", "c"]
    again = [listed[0], listed[1], replace(listed[2], modified="u")]
    assert backup_objects.take(again, second.heads, tmp_path / "one", tmp_path / "two") == (3, 6)
    assert second.asked == ["b", "c"]
    assert [entry.headers for entry in backup_objects.read(tmp_path / "two")] == [{"ContentType": "a"}] * 3


def test_an_object_as_an_answer_has_it() -> None:
    listed = Entry("k", 1, "e", "2026-01-01T00:00:00.123000+00:00", late=True)
    answer = {
        "content-length": "2",
        "etag": '"f"',
        "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        "content-type": "text/plain",
        "cache-control": "",
        "x-amz-meta-who": "me",
    }
    headers = {"ContentType": "text/plain", "Metadata": {"who": "me"}}
    assert told(listed, answer) == Entry("k", 2, "f", listed.modified, headers)


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
