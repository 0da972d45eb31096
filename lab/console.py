"""What the lab prints: one line per step, with what happened and how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


def duration(seconds: float) -> str:
    """Return *seconds* as people say it: ``0.4 s``, ``41 s``, ``1 h 02 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class Step:
    """A step under way; :meth:`result` says what it came to."""

    def __init__(self) -> None:
        self.outcome = "done"

    def result(self, outcome: str) -> None:
        self.outcome = outcome


class Console:
    """Prints steps; a step's line is begun before the work and finished after it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._line_open = False

    def say(self, text: str = "") -> None:
        """Print a line of its own, also in the middle of a step."""
        if self._line_open:
            self._write("\n")
            self._line_open = False
        self._write(f"{text}\n")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Print ``title … outcome (time)`` around the work done inside."""
        self._write(f"{title} … ")
        self._line_open = True
        started = time.monotonic()
        step = Step()
        try:
            yield step
        except BaseException:
            step.outcome = "failed"
            raise
        finally:
            took = duration(time.monotonic() - started)
            lead = "" if self._line_open else f"{title} … "
            self._write(f"{lead}{step.outcome} ({took})\n")
            self._line_open = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
