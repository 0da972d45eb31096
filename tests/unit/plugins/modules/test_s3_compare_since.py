# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A comparison that builds upon an earlier one: only what a listing tells otherwise is compared again."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_comparison, s3_listing, s3_merge, s3_seen
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_objects import Habits
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_wire import Wire

from tests.unit.plugins.s3_fake import PARTS, FakeStore, Handler, Thing, fill, some

RunModule = Callable[..., dict[str, Any]]


@pytest.fixture
def telling(source: FakeStore, target: FakeStore) -> None:
    """Let both stores list tags, as MinIO and RustFS do."""
    source.tells = target.tells = True


def kept(path: Path) -> dict[str, bytes]:
    """Return what was seen, by key."""
    end = json.loads(path.read_text().splitlines()[-1])
    with Path(f"{path}.seen").open("rb") as file:
        rows = list(s3_seen.read(file, end["seen"]))
    assert [key for key, _ in rows] == sorted(key for key, _ in rows)
    return dict(rows)


CHANGES: dict[str, tuple[Callable[[FakeStore, FakeStore], Any], dict[str, Any]]] = {
    "nothing": (lambda *_: None, {"same": 30, "earlier": 30}),
    "tags of the source": (
        lambda source, _: source.things["key 00007"].tags.update(a="1"),
        {"different_count": 1, "earlier": 29},
    ),
    "tags of the target": (
        lambda _, target: target.things["key 00007"].tags.update(a="1"),
        {"different_count": 1, "earlier": 29},
    ),
    "tags of both": (
        lambda source, target: [store.things["key 00007"].tags.update(a="1") for store in (source, target)],
        {"same": 30, "earlier": 29},
    ),
    "the same size, at the same time": (
        lambda source, _: source.things.update({"key 00007": Thing(b"8")}),
        {"different_count": 1, "earlier": 29},
    ),
    "an older version that comes to light": (
        lambda source, _: source.things.update({"key 00007": Thing(b"older", modified=1_600_000_000.0)}),
        {"different_count": 1, "earlier": 29},
    ),
    "written again on the target": (
        lambda _, target: target.things.update({"key 00007": Thing(b"7", modified=1_700_000_001.0)}),
        {"same": 30, "earlier": 29},
    ),
    "metadata": (
        lambda _, target: target.things["key 00007"].headers.update({"x-amz-meta-a": "1"}),
        {"different_count": 1, "earlier": 29},
    ),
    "removed from the source": (
        lambda source, _: source.things.pop("key 00007"),
        {"extra_count": 1, "same": 29, "earlier": 29},
    ),
    "removed from the target": (
        lambda _, target: target.things.pop("key 00007"),
        {"missing_count": 1, "same": 29, "earlier": 29},
    ),
    "new on the source": (
        lambda source, _: source.things.update({"key 00007x": Thing(b"1")}),
        {"missing_count": 1, "same": 30, "earlier": 30},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_compared_again(
    name: str, source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path, telling: None
) -> None:
    change, expected = CHANGES[name]
    fill(source, target, some(30))
    first, second = tmp_path / "first", tmp_path / "second"
    assert compare(journal=str(first))["same"] == 30
    assert len(kept(first)) == 30
    change(source, target)
    source.asked.clear()
    result = compare(journal=str(second), since=str(first))
    counts = {"different_count": 0, "missing_count": 0, "extra_count": 0, **expected}
    assert {name: result[name] for name in counts} == counts
    asked = [line for line in source.asked if "key" in line and "?tagging" not in line]
    assert len(asked) <= 2
    # What is the same now is known to the next one.
    assert len(kept(second)) == result["same"]
    assert compare(since=str(second))["earlier"] == result["same"]


def test_listings_that_do_not_tell_tags(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path
) -> None:
    """Content that was read is not read again; headers and tags are held against each other."""
    fill(source, target, {**some(10), "parts": Thing(PARTS, "a-3")})
    source.tells = True
    journal = str(tmp_path / "journal")
    assert compare(journal=journal)["by"]["read"] == 1
    source.asked.clear()
    source.things["key 00003"].tags = target.things["key 00004"].tags = {"a": "1"}
    result = compare(since=journal)
    assert [(found["key"], found["what"]) for found in result["different"]] == [
        ("key 00003", ["tags"]),
        ("key 00004", ["tags"]),
    ]
    assert (result["same"], result["earlier"], result["bytes_read"]) == (9, 9, 0)
    assert (source.count("HEAD key"), source.count("HEAD parts"), source.count("GET parts")) == (10, 1, 0)
    target.asked.clear()
    assert compare(since=str(tmp_path / "journal"), tags="never")["msg"].startswith("since: ")
    assert compare(journal=journal, tags="never")["same"] == 11
    target.asked.clear()
    assert compare(since=journal, tags="never")["earlier"] == 11
    assert target.count("HEAD key") == 0


def test_key_that_may_not_read_tags(source: FakeStore, target: FakeStore, telling: None) -> None:
    """MinIO lists objects to it as if none had tags."""
    fill(source, target, some(3))

    def refuses(_method: str, key: str, handler: Handler) -> bool:
        if "tagging" in handler.path:
            handler.error(403, "AccessDenied")
        return "tagging" in handler.path

    source.before = refuses
    assert listed(source) == [None] * 3
    assert listed(target) == [""] * 3


def listed(server: FakeStore) -> list[str | None]:
    """Return the tags of each key as the listing is understood."""
    wire = Wire(Store(server.url, "reader", "geheim"), 1)
    return [entry.tags for page in s3_listing.Lister("bucket", "").pages(wire) for entry in page]


@pytest.mark.parametrize("page", [0, 1])
def test_metadata_that_is_no_xml(
    page: int, source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path, telling: None
) -> None:
    """Names of headers may have characters that names of elements may not, and stores write them as they are."""
    fill(source, target, some(30))
    for server in (source, target):
        server.things[f"key 000{page}5"].headers = {"x-amz-meta-a!b": "1"}
    journal = str(tmp_path / "journal")
    assert compare(journal=journal)["same"] == 30
    source.things[f"key 000{page}4"].tags = {"a": "1"}
    result = compare(since=journal)
    assert (result["different_count"], result["earlier"]) == (1, 29)
    # Those on its page.
    assert source.count("HEAD key") - 30 == 10


def test_listed_tags_spare_questions(source: FakeStore, target: FakeStore, compare: RunModule, telling: None) -> None:
    fill(source, target, {f"key {number}": Thing(b"1", tags={"a b": "ü&="}) for number in range(5)})
    target.name = "nginx"
    for thing in target.things.values():
        thing.headers = {"x-amz-tagging-count": "1"}
    target.things["key 3"].tags = {"a b": "other"}
    result = compare()
    assert [found["what"] for found in result["different"]] == [["tags"]]
    # Whether it may, and those that are listed otherwise.
    assert [line for line in source.asked if line.endswith("?tagging")] == ["GET key 0?tagging", "GET key 3?tagging"]


def test_object_that_was_written_after_it_was_listed(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path, telling: None
) -> None:
    """It is the same, but nobody knows how it would be listed."""
    fill(source, target, some(5))
    first = tmp_path / "first"
    times = {"left": 1}

    def writes(method: str, key: str, _handler: Handler) -> bool:
        if method == "HEAD" and times["left"]:
            times["left"] -= 1
            fill(source, target, {"key 00003": Thing(b"new")})
            for server in (source, target):
                server.things["key 00002"].tags = {"a": "1"}
        return False

    source.before = writes
    assert compare(journal=str(first), workers=1)["same"] == 5
    assert sorted(kept(first)) == ["key 00000", "key 00001", "key 00004"]


def test_killed_comparison_sees_what_a_whole_one_sees(
    source: FakeStore,
    target: FakeStore,
    compare: RunModule,
    tmp_path: Path,
    telling: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(s3_comparison, "JOURNAL_SECONDS", 0.0)
    fill(source, target, some(300))
    target.things["key 00005"] = Thing(b"x")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert compare(journal=str(whole), workers=1)["same"] == 299
    journal, seen = whole.read_bytes(), Path(f"{whole}.seen").read_bytes()
    expected = kept(whole)
    assert len(expected) == 299
    ends = [at + 1 for at, byte in enumerate(journal) if byte == 10]
    assert len(ends) > 5
    for cut in (ends[0] - 3, ends[1], ends[3] + 5, ends[-2]):
        # A kill leaves more of the file beside than the journal knows.
        killed.write_bytes(journal[:cut])
        Path(f"{killed}.seen").write_bytes(seen)
        assert compare(journal=str(killed))["same"] == 299
        assert kept(killed) == expected
    # A machine that breaks down may leave less: begun anew.
    killed.write_bytes(journal[: ends[-2]])
    Path(f"{killed}.seen").write_bytes(seen[:10])
    result = compare(journal=str(killed))
    assert (result["continued"], result["same"], kept(killed)) == (False, 299, expected)
    # Continued while it builds upon another.
    killed.write_bytes(journal[: ends[3]])
    Path(f"{killed}.seen").write_bytes(seen)
    result = compare(journal=str(killed), since=str(whole))
    assert (result["continued"], result["same"], kept(killed)) == (True, 299, expected)
    assert result["earlier"] > 100


def test_what_cannot_be_built_upon(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path, telling: None
) -> None:
    fill(source, target, some(50))
    journal, seen = tmp_path / "journal", tmp_path / "journal.seen"
    compare(journal=str(journal))
    whole, data = journal.read_text(), seen.read_bytes()
    assert "is not a journal of these stores" in compare(since=str(journal), prefix="key")["msg"]
    assert (
        "is the journal of this comparison itself"
        in compare(since=f"{tmp_path}/./journal", journal=str(journal))["msg"]
    )
    seen.write_bytes(data[:50] + b"?" + data[51:])
    assert "has a broken block" in compare(since=str(journal))["msg"]
    seen.write_bytes(data[:-1])
    assert f"since: '{seen}' ends in the middle, leave it out." in compare(since=str(journal))["msg"]
    seen.unlink()
    assert f"since: '{seen}' cannot be read" in compare(since=str(journal))["msg"]
    journal.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    assert "is of a comparison that did not end" in compare(since=str(journal))["msg"]
    seen.write_text("precious\n")
    journal.unlink()
    assert "would be written over" in compare(journal=str(journal))["msg"]
    assert seen.read_text() == "precious\n"


def test_memory_does_not_grow_with_the_listing(tmp_path: Path) -> None:
    """20,000 keys on both sides and what was seen of them, merged and cut, with nothing asked about them."""

    def keys() -> Iterator[list[Entry]]:
        for page in range(20):
            yield [Entry(f"{page:06d}/{n:04d}", 1, "e", "2023-11-14T22:13:20Z", (), "") for n in range(1000)]

    path = tmp_path / "seen"
    with path.open("wb") as written:
        for page in keys():
            written.write(s3_seen.block([(entry.key, s3_seen.digest(entry, entry)) for entry in page]))
    ahead = [s3_listing.Ahead(keys()) for _ in range(2)]
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            earlier = s3_seen.read(file, path.stat().st_size)
            cut_up = s3_comparison.batches(s3_merge.merge(ahead[0], ahead[1]), Habits(), earlier)
            total = sum(len(batch.covered) for batch in cut_up)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 20_000
    # Of 40,000 entries that would be 12 MB.
    assert peak < 4 << 20
