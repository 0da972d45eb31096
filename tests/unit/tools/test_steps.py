"""The runner of `make test` counts, stops and reports as it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import steps
from tools.steps import Step


@pytest.fixture(autouse=True)
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LOGS", tmp_path)


def python(name: str, code: str) -> Step:
    return Step(name, (sys.executable, "-c", code))


@pytest.mark.parametrize(
    ("lines", "returncode", "counted"),
    [
        (["===== 3 passed in 0.12s ====="], 0, (3, 0)),
        (["\x1b[32m\x1b[1m12 passed\x1b[0m, 1 skipped in 3.40s\x1b[0m"], 0, (12, 0)),
        (["=== 2 failed, 3 passed, 1 error in 9.99s (0:00:09) ==="], 1, (3, 3)),
        (["1 passed in 0.1s", "2 passed in 0.2s"], 0, (3, 0)),
        (["nothing that pytest says"], 0, (1, 0)),
        (["nothing that pytest says"], 2, (0, 1)),
        (["3 passed in 0.1s", "then Ansible failed"], 2, (3, 1)),
    ],
)
def test_count(lines: list[str], returncode: int, counted: tuple[int, int]) -> None:
    assert steps.count_tests(lines, returncode) == counted


def test_in_order_stops_at_the_first_failure(capfd: pytest.CaptureFixture[str]) -> None:
    planned = [python("a", "print('one')"), python("b", "raise SystemExit(3)"), python("c", "print('never')")]
    outcomes = steps.in_order(planned)
    assert [outcome.ok for outcome in outcomes] == [True, False]
    printed = capfd.readouterr().out
    assert "b FAILED after" in printed
    assert "never" not in printed.split("b FAILED")[0]
    assert steps.summary(outcomes, 3, 61).startswith("1 passed, 1 failed, 1 steps not run in 1 min 1 s")


def test_side_by_side_runs_all_and_shows_failures(capfd: pytest.CaptureFixture[str]) -> None:
    outcomes = steps.side_by_side([python("bad", "raise SystemExit('why')"), python("good", "print('quiet')")], 2)
    assert {outcome.step.name: outcome.ok for outcome in outcomes} == {"bad": False, "good": True}
    printed = capfd.readouterr().out
    assert "why" in printed
    assert "quiet" not in printed


def test_together_runs_all_and_says_whose_line_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    outcomes = steps.together(
        [python("scenario bad", "raise SystemExit('why')"), python("scenario good", "print(1)")], 2
    )
    assert {outcome.step.name: outcome.ok for outcome in outcomes} == {"scenario bad": False, "scenario good": True}
    printed = capfd.readouterr().out.splitlines()
    assert {"bad | why", "good | 1"} <= set(printed)


def test_output_is_kept(tmp_path: Path) -> None:
    steps.run(python("two words", "print('kept')"), echo=False)
    assert (tmp_path / "two-words.log").read_text(encoding="utf-8") == "kept\n"


def test_standard_input_is_closed() -> None:
    assert steps.run(python("stdin", "import sys; raise SystemExit(len(sys.stdin.read()))"), echo=False).ok
