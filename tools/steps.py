"""Run named commands, one after the other or side by side, and say what each did and how long it took."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache" / "logs"

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PYTEST_END = re.compile(r"^=*\s*(?P<counts>\d+ \w+(?:, \d+ \w+)*) in [\d.]+s")
PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|errors?)\b")


@dataclass(frozen=True)
class Step:
    """A command that passes or fails as one, or counts its own tests when it is pytest's."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a step ended."""

    step: Step
    returncode: int
    seconds: float
    passed: int
    failed: int

    @property
    def ok(self) -> bool:
        return self.returncode == 0

    def line(self) -> str:
        tests = f"{self.passed + self.failed} tests" if self.passed + self.failed > 1 else ""
        verdict = "ok" if self.ok else "FAILED"
        return f"{self.step.name:<24} {verdict:<7} {duration(self.seconds):>12}   {tests}".rstrip()


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def count_tests(lines: Iterable[str], returncode: int) -> tuple[int, int]:
    """Add up what pytest says it ran; a command without pytest in it is one test."""
    passed = failed = 0
    for line in lines:
        end = PYTEST_END.match(COLOUR.sub("", line))
        for number, word in PYTEST_COUNT.findall(end["counts"]) if end else ():
            if word == "passed":
                passed += int(number)
            else:
                failed += int(number)
    if passed + failed == 0:
        passed = 1
    if returncode and not failed:
        failed = 1
        passed -= passed == 1
    return passed, failed


def run(step: Step, *, echo: bool, prefix: str = "") -> Outcome:
    """Run a step; its output goes to a log and, with echo, to the terminal as it comes, each line after a prefix."""
    LOGS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    lines = []
    with (
        (LOGS / f"{step.name.replace(' ', '-')}.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            list(step.command),
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(step.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - it was asked for two lines above
        for line in process.stdout:
            lines.append(line)
            log.write(line)
            if echo:
                sys.stdout.write(prefix + line)
                sys.stdout.flush()
    passed, failed = count_tests(lines, process.returncode)
    return Outcome(step, process.returncode, time.monotonic() - started, passed, failed)


def side_by_side(steps: Sequence[Step], jobs: int) -> list[Outcome]:
    """Run all steps, a few at a time; a step's output is shown only when it failed."""
    outcomes = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for future in as_completed([pool.submit(run, step, echo=False) for step in steps]):
            outcome = future.result()
            outcomes.append(outcome)
            print(outcome.line(), flush=True)
            if not outcome.ok:
                log = LOGS / f"{outcome.step.name.replace(' ', '-')}.log"
                print(log.read_text(encoding="utf-8"), end="", flush=True)
    return outcomes


def together(steps: Sequence[Step], jobs: int) -> list[Outcome]:
    """Run all steps, a few at a time; each line of output begins with the last word of the step's name."""
    outcomes = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        prefixes = [f"{step.name.split()[-1]} | " for step in steps]
        running = [
            pool.submit(run, step, echo=True, prefix=prefix) for step, prefix in zip(steps, prefixes, strict=True)
        ]
        for future in as_completed(running):
            outcome = future.result()
            outcomes.append(outcome)
            print(f"\n==> {outcome.line()}\n", flush=True)
    return outcomes


def in_order(steps: Sequence[Step]) -> list[Outcome]:
    """Run step after step and stop at the first that fails."""
    outcomes = []
    for step in steps:
        print(f"\n==> {step.name}: {' '.join(step.command)}", flush=True)
        outcome = run(step, echo=True)
        outcomes.append(outcome)
        if not outcome.ok:
            print(f"\n{step.name} FAILED after {duration(outcome.seconds)}: {' '.join(step.command)}", flush=True)
            break
    return outcomes


def summary(outcomes: Sequence[Outcome], planned: int, seconds: float) -> str:
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    rest = f", {planned - len(outcomes)} steps not run" if planned > len(outcomes) else ""
    return f"{passed} passed, {failed} failed{rest} in {duration(seconds)}"
