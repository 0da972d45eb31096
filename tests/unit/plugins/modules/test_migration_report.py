# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a migration: what it concludes, and that its page is whole and harmless."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_text import utc
from ansible_collections.onprem.mlflow.plugins.module_utils.migration_report import build, rates_over_time, spread
from ansible_collections.onprem.mlflow.plugins.module_utils.migration_report_html import code, page
from ansible_collections.onprem.mlflow.plugins.module_utils.migration_report_plot import area_path, ceiling, plot
from ansible_collections.onprem.mlflow.plugins.modules import migration_report
from hypothesis import example, given
from hypothesis import strategies as st

START = 1_800_000_000
EVIL = "a\x07/<script>alert('x')</script>&\"\u202e.bin"
VOID = {"meta", "path", "br"}


def copied(bucket: str = "mlflow", name: str = "mirror", **changes: Any) -> dict[str, Any]:
    return {
        "bucket": bucket,
        "target_bucket": bucket,
        "prefix": "",
        "pass": name,
        "running": False,
        "started_at": utc(START),
        "ended_at": utc(START + 100),
        "objects": 10,
        "bytes": 1000,
        "objects_total": 10,
        "bytes_total": 1000,
        "failed": [],
        "failed_count": 0,
        "errors": [],
        "samples": [
            {"at": utc(START + 50), "objects": 2, "bytes": 900},
            {"at": utc(START + 100), "objects": 10, "bytes": 1000},
        ],
        **changes,
    }


def compared(bucket: str = "mlflow", **changes: Any) -> dict[str, Any]:
    return {
        "bucket": bucket,
        "prefix": "",
        "objects": 10,
        "bytes": 1000,
        "same": 10,
        "by": {"etag": 7, "checksum": 1, "read": 2},
        "different": [],
        "missing": [],
        "extra": [],
        **changes,
    }


def given_of(**changes: Any) -> dict[str, Any]:
    return {
        "outcome": "moved",
        "source_url": "http://minio:9000",
        "target_url": "http://rustfs:9000",
        "started_at": utc(START),
        "ended_at": utc(START + 1000),
        "frozen_at": utc(START + 900),
        "thawed_at": utc(START + 980),
        "phases": [{"name": "Check", "started_at": utc(START), "ended_at": utc(START + 5)}],
        "inventory": {
            "buckets": [{"name": "mlflow", "objects": 9, "bytes": 900, "versions": 3, "delete_markers": 1}],
            "limits": [
                {"code": "old_versions", "bucket": "mlflow", "count": 3, "text": "Old versions.", "examples": [EVIL]}
            ],
        },
        "accepted": ["old_versions"],
        "copies": [copied()],
        "comparisons": [compared()],
        "settings": {"carried": ["Quota."], "by_hand": [{"bucket": "mlflow", "text": "Make a key."}]},
        "sample": [{"path": EVIL, "same": True, "bytes": 5}],
        "next_steps": ["Wait."],
        **changes,
    }


def verdict(**changes: Any) -> tuple[str, str, list[str]]:
    found = build(given_of(**changes))["verdict"]
    return found["level"], found["headline"], found["doubts"]


def test_good_migration() -> None:
    report = build(given_of())

    assert report["verdict"]["level"] == "good"
    assert report["verdict"]["headline"] == "MLflow is on RustFS, and nothing was lost"
    assert (report["seconds"], report["frozen_seconds"], report["frozen_share"]) == (1000, 80, 0.08)
    assert report["totals"] == {"buckets": 1, "objects": 10, "bytes": 1000, "versions_left": 4, "same": 10}
    assert report["proof"] == {"etag": 7, "checksum": 1, "read": 2}
    assert (sum(report["earlier_proof"].values()), report["unchanged"]) == (0, 0)
    assert report["by_hand"] == ["mlflow: Make a key."]
    assert report["passes"][0]["bytes_per_second"] == 10


def test_both_comparisons_are_told() -> None:
    earlier = {"etag": 8, "checksum": 0, "read": 2}
    report = build(given_of(comparisons=[compared(by={"etag": 1}, earlier=9, earlier_by=earlier)]))

    assert (report["proof"]["etag"], report["earlier_proof"], report["unchanged"]) == (1, earlier, 9)
    assert "Compared while MLflow was used" in page(report)
    assert "9 objects stood in both listings" in page(report)


@pytest.mark.parametrize(
    ("changes", "level", "doubt"),
    [
        ({"comparisons": [compared(missing=["a"], same=9)]}, "bad", "1 object of mlflow is missing on the target."),
        ({"comparisons": [compared(different=[], different_count=1500)]}, "bad", "1,500 objects of mlflow differ."),
        ({"comparisons": [compared(unreadable=[{"key": "k", "reason": "r"}])]}, "bad", "1 object of mlflow could not"),
        ({"comparisons": [compared(unsettled=["k"])]}, "bad", "1 object of mlflow was still being written."),
        ({"comparisons": [compared(extra=["k"])]}, "bad", "1 object of mlflow is on the target and not"),
        ({"sample": [{"path": "p", "same": False}]}, "bad", "1 of 1 artifact did not read back the same"),
        ({"inventory": {}, "copies": [copied(), copied("other")]}, "bad", "other was not compared."),
        ({"inventory": {"buckets": [{"name": "empty"}]}, "outcome": "copied"}, "bad", "empty was not compared."),
        ({"comparisons": []}, "warning", None),
        ({"outcome": "copied"}, "good", None),
        ({"outcome": "back", "reason": "It failed."}, "warning", None),
        ({"outcome": "failed", "reason": "It failed."}, "bad", None),
    ],
)
def test_verdict(changes: dict[str, Any], level: str, doubt: str | None) -> None:
    found, _headline, doubts = verdict(**changes)

    assert found == level
    assert (not doubts) if doubt is None else any(text.startswith(doubt) for text in doubts)


def test_comparison_after_copying_again_counts() -> None:
    assert verdict(comparisons=[compared(missing=["a"]), compared()])[0] == "good"
    assert verdict(comparisons=[compared(), compared(missing=["a"])])[0] == "bad"


def test_copies_of_earlier_runs_count() -> None:
    day_before: dict[str, Any] = {"started_at": utc(START - 86_400), "objects": 90, "bytes": 9000}
    killed = copied(**day_before | {"objects": 30}, ended_at=None)
    gone_on_with = copied(**day_before, ended_at=utc(START - 86_300))
    report = build(given_of(copies=[killed, gone_on_with, copied("another-list"), copied(objects=0, bytes=0)]))

    assert report["verdict"]["level"] == "good"
    assert report["buckets"][0]["copied"]["mirror"] == {"objects": 90, "bytes": 9000, "failed": 0}
    assert (report["passes"][0]["seconds"], report["passes"][0]["bytes_per_second"]) == (200, 45)


def test_results_of_a_prefix_find_each_other() -> None:
    report = build(
        given_of(
            copies=[copied(prefix="runs/")],
            comparisons=[compared(prefix="runs")],
            inventory={"buckets": [{"name": "mlflow", "prefix": "runs/", "objects": 10, "bytes": 1, "versions": 0}]},
        )
    )
    assert len(report["buckets"]) == 1
    assert report["verdict"]["level"] == "good"


def test_moments_must_be_moments() -> None:
    with pytest.raises(InputError, match="ended_at: found 'now'"):
        build(given_of(ended_at="now"))


def test_rates_keep_the_sum() -> None:
    rates = rates_over_time([copied()], START, START + 100)

    assert len(rates["bytes_per_second"]) == 100
    assert rates["bytes_per_second"][10] == 18
    assert rates["bytes_per_second"][90] == 2
    assert sum(rates["bytes_per_second"]) == 1000


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(0, 1000)), max_size=6))
@example([(0.0, 5e-324, 1.5)])
def test_spreading_loses_nothing(pieces: list[tuple[float, float, float]]) -> None:
    row = [0.0] * 25
    for one, other, amount in pieces:
        spread(row, 2.0, min(one, other), max(one, other), amount)

    assert sum(row) * 2.0 == pytest.approx(sum(piece[2] for piece in pieces), abs=1e-6)


@pytest.mark.parametrize(
    ("value", "base", "top"),
    [(0, 10, 1), (3, 10, 5), (99, 10, 100), (0.3, 10, 0.5), (3000, 1024, 5 << 10), (101 << 20, 1024, 200 << 20)],
)
def test_axis_ends_at_a_round_number(value: float, base: int, top: float) -> None:
    assert ceiling(value, base) == pytest.approx(top)


@given(st.floats(0, 1e15), st.sampled_from([10, 1024]))
def test_axis_is_never_too_short(value: float, base: int) -> None:
    assert ceiling(value, base) >= value


def test_plot_of_little() -> None:
    assert area_path([1.0], 2.0)[0] == "M0.0,50.0L600.0,50.0"
    assert "0 on average" in plot("Bytes", [], lambda value: f"{value:g}", "1 s", "bytes")


class Page(HTMLParser):
    """Reads the page, and notes what is open, what it points to and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.pointers: list[str] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.pointers += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.said += data


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"comparisons": [compared(missing=[EVIL], different=[{"key": EVIL, "what": ["content"]}])]},
        {"copies": [copied(failed=[{"key": EVIL, "reason": EVIL}], failed_count=200, errors=[EVIL])]},
        {"outcome": "failed", "reason": EVIL, "next_steps": [EVIL], "settings": {"by_hand": [EVIL]}},
        {"inventory": {}, "copies": [], "comparisons": [], "phases": [], "sample": [], "settings": {}},
    ],
)
def test_page_is_whole_and_needs_nothing_else(changes: dict[str, Any]) -> None:
    text = page(build(given_of(**changes)))
    parsed = Page(text)

    assert parsed.open == []
    assert parsed.pointers == []
    assert "script" not in parsed.seen
    assert "url(" not in text
    assert "@import" not in text
    assert not any(char in text for char in "\x07\u202e")


def test_page_says_what_matters() -> None:
    said = Page(page(build(given_of()))).said

    for text in ("nothing was lost", "1 min 20 s", "8.0%", "Make a key.", "old_versions", "accepted", "Wait.", "ETag"):
        assert text in said
    assert "a\\x07/<script>alert('x')</script>&\"\\u202e.bin" in said


def test_spaces_at_the_ends_of_a_key_are_seen() -> None:
    assert code(" a b ") == "<code>&#9251;a b&#9251;</code>"
    assert code("  ") == "<code>&#9251;&#9251;</code>"


def test_module_writes_once(run_module: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    args = {"directory": str(tmp_path), **given_of()}
    check = run_module(migration_report.main, args, check=True, diff=True)
    assert check["changed"]
    assert check["diff"]["before"] == ""
    assert list(tmp_path.iterdir()) == []

    first = run_module(migration_report.main, args)
    assert first["changed"]
    assert first["msg"].startswith("MLflow is on RustFS, and nothing was lost. 10 objects")
    assert json.loads((tmp_path / "report.json").read_text()) == first["report"]
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]

    assert not run_module(migration_report.main, args)["changed"]
    again = run_module(migration_report.main, {**args, "outcome": "back"}, diff=True)
    assert again["changed"]
    assert '"outcome": "moved"' in again["diff"]["before"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"directory": "/nowhere/at/all"}, "make it, or become root"),
        ({"started_at": "x"}, "started_at: found 'x'"),
        ({"comparisons": [{"bucket": "mlflow"}]}, "lacks 'objects'"),
    ],
)
def test_bad_input_of_the_module(
    run_module: Callable[..., dict[str, Any]], tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    result = run_module(migration_report.main, {"directory": str(tmp_path), **given_of(), **changes})

    assert sentence in result["msg"]
