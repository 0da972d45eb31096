"""In what order faults come, what is expected after them, and how their results are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.faults.catalogue import FAULTS
from tools.faults.fault import Fault
from tools.faults.journal import Entry, Journal, content, expected, read
from tools.faults.order import shuffled
from tools.faults.run import Outcome
from tools.faults.table import HEAD, rows

FAULT = Fault("gone", "Something is gone", within=30)
OTHER = Fault("late", "Something is late", within=10)


def test_names_are_unique_and_times_are_stated() -> None:
    names = [fault.name for fault in FAULTS]
    assert sorted(set(names)) == sorted(names)
    assert all(fault.within > 0 for fault in FAULTS)


@pytest.mark.parametrize("count", [0, 1, 7, 20])
def test_each_comes_once_before_one_comes_again(count: int) -> None:
    order = shuffled("abcdefg", count, seed=1)
    assert len(order) == count
    assert len(set(order[:7])) == min(count, 7)
    assert order == shuffled("abcdefg", count, seed=1)


def test_order_is_another_one_with_another_seed() -> None:
    assert len({tuple(shuffled("abcdefg", 7, seed)) for seed in range(20)}) > 10


def test_nothing_comes_of_nothing() -> None:
    assert shuffled([], 20, 1) == []


def test_only_what_was_acknowledged_is_expected(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.note(Entry("run", "r1"), Entry("run", failed="HTTP 503"))
    journal.note(Entry("param", "r1", "a", "1"), Entry("param", "r1", "b", "2", failed="HTTP 502"))
    journal.note(Entry("metric", "r1", "loss", "0.5", 3), Entry("metric", "r1", "loss", "0.25", 4, failed="timed out"))
    journal.note(Entry("artifact", "r1", "made/x", "10"), Entry("end", "r1"))
    found = expected(read(journal.path))
    assert set(found) == {"r1"}
    assert found["r1"].params == {"a": "1"}
    assert found["r1"].metrics == {"loss": {3: 0.5}}
    assert found["r1"].artifacts == {"made/x": 10}
    assert found["r1"].ended


def test_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path).note(Entry("run", "r1"))
    with path.open("a") as file:
        file.write(json.dumps({"kind": "run"})[:-3])
    assert [entry.run for entry in read(path)] == ["r1"]


def test_content_is_made_from_the_name() -> None:
    assert content("r1", "made/x", 1000) == content("r1", "made/x", 1000)
    assert content("r1", "made/x", 1000) != content("r1", "made/y", 1000)
    assert len(content("r1", "made/x", 1000)) == 1000


@pytest.mark.parametrize(
    ("outcome", "problems"),
    [
        (Outcome(FAULT, 29.9, 5, 1), []),
        (Outcome(FAULT, 31.0, 5, 1), ["gone: worked again after 31 s, and 30 s are stated"]),
        (Outcome(FAULT, 1.0, 5, 1, ("run r1: has not ended",)), ["gone: run r1: has not ended"]),
    ],
)
def test_what_is_late_or_missing_is_a_problem(outcome: Outcome, problems: list[str]) -> None:
    assert outcome.problems == problems


def test_row_of_a_fault_that_came_twice_has_the_longer_time_and_all_requests() -> None:
    outcomes = [Outcome(FAULT, 3.0, 5, 1), Outcome(OTHER, 2.0, 7, 0), Outcome(FAULT, 12.4, 6, 2)]
    assert rows(outcomes) == [
        "| Something is gone (2 times) | 12 s | 30 s | 11 | 3 | 0 |",
        "| Something is late | 2 s | 10 s | 7 | 0 | 0 |",
    ]
    assert [row.count("|") for row in [*HEAD, *rows(outcomes)]] == [7] * 4
