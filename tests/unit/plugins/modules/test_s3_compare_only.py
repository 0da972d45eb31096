# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison of what an earlier one did not find the same, against small stores in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_journal_keys

from tests.unit.plugins.s3_fake import FakeStore, Thing, fill, some

RunModule = Callable[..., dict[str, Any]]
KEYS = ("key 00001", "key 00002", "key 00003")


def spoil(source: FakeStore, target: FakeStore) -> None:
    """Let one object differ, one be missing and one be there in addition."""
    fill(source, target, some(50))
    target.things["key 00001"] = Thing(b"other")
    del target.things["key 00002"], source.things["key 00003"]


def test_only_what_was_not_the_same_is_asked_for(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path
) -> None:
    spoil(source, target)
    first, second, third = (str(tmp_path / name) for name in ("first", "second", "third"))
    whole = compare(journal=first)
    assert (whole["objects"], whole["same"]) == (49, 47)
    for server in (source, target):
        server.asked.clear()
    same_again = compare(journal=second, only=first)
    left_out = ("started_at", "ended_at", "seconds", "memory_bytes", "bytes_read", "invocation", "by")
    assert {name: value for name, value in same_again.items() if name not in left_out} == {
        name: value for name, value in whole.items() if name not in left_out
    }
    for server in (source, target):
        assert {line for line in server.asked if line.startswith("HEAD ")} == {f"HEAD {key}" for key in KEYS}

    target.things["key 00001"] = source.things["key 00001"]
    del target.things["key 00003"]
    one_left = compare(journal=third, only=second)
    assert (one_left["equal"], one_left["missing"], one_left["same"]) == (False, ["key 00002"], 48)
    target.things["key 00002"] = source.things["key 00002"]
    healed = compare(only=third)
    assert (healed["equal"], healed["objects"], healed["same"]) == (True, 49, 49)
    assert healed["bytes"] == whole["bytes"]


def test_more_keys_than_are_held_in_memory_are_refused(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(source, target)
    journal = str(tmp_path / "journal")
    assert compare(journal=journal)["fit_for_only"] is True
    monkeypatch.setattr(s3_journal_keys, "MOST_KEYS", 2)
    whole = compare()
    assert (whole["differences"], whole["fit_for_only"]) == (3, False)
    assert compare(only=journal)["msg"] == f"only: {journal!r} has 3 objects that differ, more than 2; leave it out."


def test_a_journal_of_something_else_is_refused(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path
) -> None:
    spoil(source, target)
    journal = str(tmp_path / "journal")
    compare(journal=journal, prefix="key")
    assert compare(only=journal)["msg"].startswith(f"only: {journal!r} is not a journal of these stores")
    assert compare(only=journal, journal=journal)["msg"].startswith("only: is the journal of this comparison itself")
    assert compare(only=journal, since=journal)["msg"] == "parameters are mutually exclusive: since|only"
