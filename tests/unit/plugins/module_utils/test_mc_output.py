# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mc prints, from recorded runs of Debian's mc against real MinIO servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_output import (
    MAX_FAILED,
    MAX_SAMPLES,
    MAX_SIZES_SMALL,
    Progress,
    key_of,
    parse_sample,
    split_events,
    take_samples,
)
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = Path(__file__).parent.parent / "fixtures" / "mc-20250403"


def recorded(name: str) -> str:
    return (FIXTURES / f"{name}.jsonl").read_text(encoding="utf-8")


def read(name: str, bucket: str) -> Progress:
    progress = Progress()
    text = recorded(name)
    events, used = split_events(text)
    assert used == len(text)
    for event in events:
        progress.feed(event, bucket)
    return progress


def test_success() -> None:
    progress = read("success", "hostile")
    progress.end(100.0)

    assert (progress.objects, progress.bytes) == (29, 1503)
    assert progress.finished
    assert (progress.failed, progress.retried, progress.errors) == ({}, {}, [])
    assert progress.samples == [[100.0, 29, 1503]]


@pytest.mark.parametrize("name", ["again", "equal_size", "dry_run"])
def test_nothing_to_do(name: str) -> None:
    progress = read(name, "hostile")

    assert (progress.begun_objects, progress.finished, progress.errors) == (0, True, [])


def test_denied_objects_are_only_hinted_at_by_retries() -> None:
    progress = read("denied", "hostile")

    assert progress.begun_objects == 29
    assert len(progress.retried) == 29
    assert set(progress.retried.values()) == {3}
    assert "new\nline" in progress.retried
    assert "folder/" in progress.retried
    assert progress.failed == {}

    for key in list(progress.retried):
        progress.fail_retried(key, None, "hostile")
    progress.end(1.0)

    assert (progress.objects, progress.bytes, progress.failed_count) == (0, 0, 29)
    assert progress.failed["a b.txt"].startswith("retried 3 times without telling why")
    assert progress.retried == {}


def test_without_retry_nothing_would_tell() -> None:
    progress = read("denied_without_retry", "hostile")

    assert (progress.begun_objects, progress.failed_count, progress.retried) == (29, 0, {})


def test_full_target_names_each_object_and_the_reason() -> None:
    progress = read("target_full", "large")
    progress.end(1.0)

    assert sorted(progress.failed) == [f"models/{number}.bin" for number in range(4)]
    assert progress.failed["models/0.bin"].startswith("Storage backend has reached its minimum free drive threshold")
    assert (progress.objects, progress.bytes) == (0, 0)
    assert progress.retried == {}


def test_stopped_source_ends_the_listing_and_the_exit_status_is_0() -> None:
    progress = read("source_stopped", "mix")

    assert progress.finished
    assert len(progress.errors) == 1
    assert progress.errors[0].startswith("Unable to list comparison retrying: Get")
    assert len(progress.retried) == 10


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing_bucket", "Unable to stat source `src/nothere`: Bucket `nothere` does not exist."),
        ("missing_prefix", "Unable to stat source `src/hostile/none`: Object does not exist"),
        ("missing_target_bucket", "Failed to perform mirroring: The specified bucket does not exist"),
    ],
)
def test_errors_that_belong_to_no_object(name: str, error: str) -> None:
    assert read(name, "hostile").errors == [error]


@given(st.lists(st.integers(0, 400), max_size=8))
def test_output_may_be_read_in_any_pieces(cuts: list[int]) -> None:
    text = recorded("target_full") + recorded("success")
    whole, _used = split_events(text)
    found = []
    rest = ""
    position = 0
    for cut in [*sorted(cut * len(text) // 400 for cut in cuts), len(text)]:
        rest += text[position:cut]
        position = max(position, cut)
        events, used = split_events(rest)
        found += events
        rest = rest[used:]

    assert found == whole
    assert rest == ""


def test_objects_on_several_lines_foreign_lines_and_a_torn_end() -> None:
    pretty = json.dumps({"status": "error", "error": {"message": "x\n{"}}, indent=1)
    events, used = split_events(f"panic: oh\n{pretty}\n" + '{"source": "src/b/k", "si')

    assert events == ["panic: oh", json.loads(pretty)]
    assert used == len(f"panic: oh\n{pretty}\n")


def test_line_torn_by_a_kill_does_not_hide_the_next() -> None:
    events, _used = split_events('{"source": "src/b\n{"retries": 1, "sourceURL": "http://h/b/k"}\n')

    assert events[-1] == {"retries": 1, "sourceURL": "http://h/b/k"}


@pytest.mark.parametrize("key", ["a/b", "a b?x=1&y#z", "new\nline", "http://x/y", "b/b/c", "folder/", "%2F"])
def test_key_in_an_address(key: str) -> None:
    assert key_of(f"http://192.0.2.7:9000/b/{key}", "b") == key


def test_bytes_written_bound_what_has_arrived() -> None:
    progress = Progress()
    for number, size in enumerate((100, 50, 1000)):
        progress.feed({"source": f"src/b/{number}", "size": size}, "b")
    progress.sample(10.0, 0)
    progress.sample(11.0, 120)
    progress.sample(12.0, 900)
    progress.sample(13.0, None)

    assert progress.samples == [[10.0, 0, 0], [11.0, 1, 120], [12.0, 2, 900]]
    progress.end(14.0)
    assert progress.samples[-1] == [14.0, 3, 1150]


def test_where_the_kernel_does_not_tell_objects_count_when_begun() -> None:
    progress = Progress()
    progress.feed({"source": "src/b/k", "size": 5}, "b")
    progress.sample(1.0, None)

    assert progress.samples == [[1.0, 1, 5]]


def test_killed_run_counts_what_is_there() -> None:
    progress = Progress()
    for number in range(4):
        progress.feed({"source": f"src/b/{number}", "size": 10 << number * 8}, "b")
    progress.sample(1.0, 10)

    assert progress.newest("b") == {"0": 10, "1": 2560, "2": 655360, "3": 167772160}
    progress.left_undone([2560, 167772160])
    assert (progress.objects, progress.bytes) == (2, 655370)


def test_state_stays_bounded() -> None:
    progress = Progress()
    for number in range(MAX_FAILED + 10):
        progress.feed({"source": f"src/b/{number}", "size": 1}, "b")
        progress.feed({"sourceURL": f"http://h/b/{number}", "retries": 1}, "b")
        progress.feed({"sourceURL": f"http://h/b/{number}", "retries": 2}, "b")
        progress.complain(f"e{number}")
        progress.sample(float(number), number)
    assert len(progress.retried) == MAX_FAILED
    assert progress.retried_more == 10
    assert len(progress.sizes_small) == MAX_SIZES_SMALL
    assert len(progress.samples) <= MAX_SAMPLES
    assert len(progress.errors) == 50

    for number in range(MAX_FAILED + 10):
        progress.fail(str(number), "x", "b")
    assert (len(progress.failed), progress.failed_count) == (MAX_FAILED, MAX_FAILED + 10)


def test_state_is_plain_data() -> None:
    progress = read("denied", "hostile")

    assert Progress.load(json.loads(json.dumps(progress.dump()))) == progress


def test_samples() -> None:
    assert parse_sample("12 34 56") == (12.0, 34, 56)
    assert parse_sample("12 - 56") == (12.0, None, 56)
    assert parse_sample("12 x 56") is None
    assert parse_sample("12") is None
    assert list(take_samples(b"1 2 3\nbad\n4 - 5\n6 7", 0)) == [(1.0, 2, 3, 6), (4.0, None, 5, 16)]
