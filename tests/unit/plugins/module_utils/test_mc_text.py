# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress in words, and which objects of the target are too many."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_text import (
    moment,
    outcome,
    progress_line,
    size_text,
    time_text,
    utc,
    visible,
)


def copied(**changes: Any) -> dict[str, Any]:
    return {
        "bucket": "mlflow",
        "target_bucket": "mlflow",
        "prefix": "",
        "running": True,
        "run_started_at": utc(1000),
        "objects": 50,
        "bytes": 5 << 20,
        "objects_total": 100,
        "bytes_total": 10 << 20,
        "failed": [],
        "failed_count": 0,
        "errors": [],
        "samples": [
            {"at": utc(900), "objects": 0, "bytes": 0},
            {"at": utc(1000), "objects": 30, "bytes": 3 << 20},
            {"at": utc(1010), "objects": 50, "bytes": 5 << 20},
        ],
        **changes,
    }


def test_line_tells_objects_bytes_rate_and_time_left() -> None:
    assert progress_line(copied(), totals_known=True) == (
        "mlflow: 50%, 50 of 100 objects, 5.0 MiB of 10.0 MiB, 205 KiB/s, 2 objects/s, 25 s left"
    )


def test_line_without_totals_promises_nothing() -> None:
    line = progress_line(copied(prefix="a\n/", target_bucket="other", failed_count=3), totals_known=False)

    assert line == "mlflow/a\\n/ to other: 50 objects, 5.0 MiB, 205 KiB/s, 2 objects/s, 3 failed"


def test_line_at_the_start_and_while_nothing_moves() -> None:
    assert progress_line(copied(samples=[], objects=0, bytes=0), totals_known=True) == (
        "mlflow: 0%, 0 of 100 objects, 0 B of 10.0 MiB"
    )
    still = [{"at": utc(at), "objects": 50, "bytes": 0} for at in (1000, 1010)]
    assert "left" not in progress_line(copied(samples=still), totals_known=True)
    crawl = [{"at": utc(at), "objects": 50, "bytes": at} for at in (1000, 1010)]
    assert "left" not in progress_line(copied(samples=crawl, bytes_total=1 << 50), totals_known=True)


def test_outcome() -> None:
    assert outcome(copied()) == "mlflow: 50 objects (5.0 MiB) copied so far."
    assert outcome(copied(running=False, objects=1)) == "mlflow: 1 object (5.0 MiB) copied."
    failed = outcome(
        copied(running=False, failed=[{"key": "a\nb", "reason": "Denied."}], failed_count=2, errors=["mc said: x."])
    )
    assert failed == (
        "mlflow: 50 objects (5.0 MiB) copied, 2 not ('a\\nb': Denied.); mc said: x."
        " Mend that and run it again: it goes on from here."
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (150 << 20, "150 MiB"), (1 << 60, "1024 PiB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (200000, "2 d 7 h"), (-1, "0 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_moments_and_keys() -> None:
    assert moment(utc(1234567890)) == 1234567890
    with pytest.raises(ValueError, match="does not match"):
        moment("2026-11-21 10:00")
    assert visible("a\x07\u202eä😀") == "a\\x07\\u202eä😀"
