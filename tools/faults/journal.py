"""What a client was told is written: one line of JSON for each answer, on the disk before the next request is sent."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One request: `failed` is empty where it was acknowledged, and says what came in place of that otherwise."""

    kind: str
    run: str = ""
    key: str = ""
    value: str = ""
    step: int = 0
    failed: str = ""
    at: float = field(default_factory=time.time)


class Journal:
    """Appends entries, from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def note(self, *entries: Entry) -> None:
        """Write entries down for good."""
        text = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
        with self._lock:
            self._file.write(text)
            self._file.flush()
            os.fsync(self._file.fileno())


def read(path: Path) -> list[Entry]:
    """Return what was written down until now; a line that is being written is not of it."""
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [Entry(**json.loads(line)) for line in whole.splitlines()]


@dataclass
class Expected:
    """What has to be in a run: parameters, values of metrics by step, and how each artifact was made."""

    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    artifacts: dict[str, int] = field(default_factory=dict)
    ended: bool = False


def expected(entries: Iterable[Entry]) -> dict[str, Expected]:
    """Return what was acknowledged, by run."""
    runs: dict[str, Expected] = defaultdict(Expected)
    for entry in entries:
        if entry.failed:
            continue
        run = runs[entry.run]
        if entry.kind == "param":
            run.params[entry.key] = entry.value
        elif entry.kind == "metric":
            run.metrics[entry.key][entry.step] = float(entry.value)
        elif entry.kind == "artifact":
            run.artifacts[entry.key] = int(entry.value)
        elif entry.kind == "end":
            run.ended = True
    return runs


# A random number has less than 256 MiB.
PIECE = 64 << 20


def content(run: str, path: str, size: int) -> bytes:
    """Make the content of an artifact from its name, so that it need not be kept."""
    source = random.Random(f"{run}/{path}")  # noqa: S311 - no secret
    return b"".join(source.randbytes(min(PIECE, size - made)) for made in range(0, size, PIECE))
