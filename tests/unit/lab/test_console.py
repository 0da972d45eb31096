"""What the lab prints."""

from __future__ import annotations

import io
import re

import pytest

from lab.console import Console, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (41.2, "41 s"),
        (119, "119 s"),
        (150, "2 min"),
        (3540, "59 min"),
        (3599, "1 h 00 min"),
        (7260, "2 h 01 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_step_is_one_line_with_outcome_and_time() -> None:
    stream = io.StringIO()
    with Console(stream).step("engine") as step:
        step.result("running")
    assert re.fullmatch(r"engine … running \(\d\.\d s\)\n", stream.getvalue())


def test_a_step_that_fails_says_so() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="boom"), Console(stream).step("engine"):
        raise ValueError("boom")
    assert re.fullmatch(r"engine … failed \(\d\.\d s\)\n", stream.getvalue())


def test_lines_in_the_middle_of_a_step_stand_alone() -> None:
    stream = io.StringIO()
    console = Console(stream)
    with console.step("compiling"):
        console.say("  1 of 2")
        console.say("  2 of 2")
    assert re.fullmatch(r"compiling … \n  1 of 2\n  2 of 2\ncompiling … done \(\d\.\d s\)\n", stream.getvalue())
