# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison of two buckets: listings merged into batches, threads that compare them, a journal in their order."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from ansible_collections.onprem.mlflow.plugins.module_utils import s3_seen
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal import Findings, Journal
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import Ahead, Entry, Lister, Pieces
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_merge import merge, with_known
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_objects import (
    Comparer,
    Habits,
    Pair,
    Place,
    all_told,
    suspect_bytes,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_seen import Seen
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_wire import Wire

# How many pieces of the target are listed at once.
LISTERS = 4
BATCH_OBJECTS = 64
BATCH_BYTES = 16 << 20
# Keys that need no question.
BATCH_KEYS = 1000
# What waits for a batch before it, such as one with a large object: batches, findings in them, what they have seen.
AHEAD_BATCHES = 2048
AHEAD_FINDINGS = 20_000
AHEAD_BYTES = 8 << 20
JOURNAL_SECONDS = 0.5
PROGRESS_SECONDS = 2.0
# So many objects that cannot be read, and none that can: it is not about the objects.
HOPELESS = 100


class HopelessError(Exception):
    """A store that gives no object at all; the message is the first reason."""


class Batch(NamedTuple):
    """Some pairs in a row, and the keys between them that need no question.

    Of the keys in known only headers and tags are to be compared.
    """

    number: int
    last: str
    pairs: list[Pair]
    known: frozenset[str]
    covered: list[Seen]
    covered_bytes: int


def batches(merged: Iterable[Pair], habits: Habits, earlier: Iterable[Seen] = (), first: int = 0) -> Iterator[Batch]:
    """Cut merged listings into batches that take about the same time.

    What an earlier comparison found the same is covered where both listings tell it as they did then.
    """
    number = first
    pairs: list[Pair] = []
    known: set[str] = set()
    covered: list[Seen] = []
    covered_bytes = suspect = 0
    last = ""
    for one, other, before in with_known(merged, earlier):
        entry = one or other
        if entry is None:
            continue
        last = entry.key
        same = one is not None and other is not None and before is not None and before == s3_seen.digest(one, other)
        if same and one is not None and before is not None and all_told(one, other, habits):
            covered.append((last, before))
            covered_bytes += one.size
        else:
            pairs.append((one, other))
            if same:
                known.add(last)
            else:
                suspect += suspect_bytes([(one, other)], habits.read)
        if len(pairs) >= BATCH_OBJECTS or suspect >= BATCH_BYTES or len(covered) >= BATCH_KEYS:
            yield Batch(number, last, pairs, frozenset(known), covered, covered_bytes)
            number += 1
            pairs, known, covered = [], set(), []
            covered_bytes = suspect = 0
    if pairs or covered:
        yield Batch(number, last, pairs, frozenset(known), covered, covered_bytes)


class Order:
    """Puts the findings of batches in order again, and writes them down."""

    def __init__(self, journal: Journal) -> None:
        """Take the journal."""
        self._journal = journal
        self._condition = threading.Condition()
        self._waiting: dict[int, tuple[str, Findings, bytes]] = {}
        self._next = 0
        self._held = 0
        self._held_bytes = 0
        self._open = Findings()
        self._seen = bytearray()
        self._writable = True
        self._last = ""
        self._written = time.monotonic()
        self._error: Exception | None = None
        self.done = Findings()
        self.done.add(journal.findings)

    def room(self, number: int) -> None:
        """Wait until a batch is not too far ahead of the first that is not done; raise what a thread raised."""
        with self._condition:
            while self._error is None and (
                number - self._next > AHEAD_BATCHES or self._held > AHEAD_FINDINGS or self._held_bytes > AHEAD_BYTES
            ):
                self._condition.wait(1.0)
            self.check()

    def check(self) -> None:
        """Raise what a thread raised."""
        if self._error is not None:
            raise self._error

    def fail(self, error: Exception) -> None:
        """Let the comparison end with an error."""
        with self._condition:
            self._error = self._error or error
            self._condition.notify_all()

    @property
    def failed(self) -> bool:
        """Tell whether it ends with an error."""
        return self._error is not None

    def put(self, batch: Batch, found: Findings) -> None:
        """Take the findings of a batch."""
        found.counts["bytes"] += batch.covered_bytes
        for name in ("objects", "same", "earlier"):
            found.counts[name] += len(batch.covered)
        # Both are sorted.
        seen = s3_seen.block(sorted(batch.covered + found.seen)) if self._journal.kept else b""
        found.seen = []
        with self._condition:
            self.done.add(found, shown=0)
            self._waiting[batch.number] = (batch.last, found, seen)
            self._held += found.differences
            self._held_bytes += len(seen)
            while self._next in self._waiting:
                self._last, ready, blocks = self._waiting.pop(self._next)
                self._held -= ready.differences
                self._held_bytes -= len(blocks)
                self._open.add(ready, shown=AHEAD_FINDINGS * 2)
                self._seen += blocks
                self._next += 1
                if time.monotonic() - self._written >= JOURNAL_SECONDS or self._open.differences >= AHEAD_FINDINGS // 2:
                    self._write()
            self._condition.notify_all()
        counts = self.done.counts
        if counts["unreadable_count"] >= HOPELESS and counts["unreadable_count"] == counts["objects"]:
            reason = next((what["reason"] for what in found.lists["unreadable"]), "")
            raise HopelessError(reason)

    def finish(self) -> None:
        """Write down what is left."""
        with self._condition:
            if self._last and self._writable:
                self._write()

    def _write(self) -> None:
        # Where it fails, what is in the files is not known.
        self._writable = False
        self._journal.checkpoint(self._last, self._open, bytes(self._seen))
        self._open = Findings()
        self._seen.clear()
        self._written = time.monotonic()
        self._writable = True


class Progress:
    """A file with how far the comparison is, replaced every few seconds."""

    def __init__(self, path: str | None, order: Order) -> None:
        """Take where to write; nothing is written without a path."""
        self._path = path
        self._order = order
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Write the last state."""
        self._ended.set()
        self._thread.join()
        self._write()

    def _run(self) -> None:
        self._write()
        while not self._ended.wait(PROGRESS_SECONDS):
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        done = self._order.done
        state = {
            "objects": done.counts["objects"],
            "bytes": done.counts["bytes"],
            "differences": done.differences,
            "at": utc_now(),
        }
        temporary = f"{self._path}.tmp"
        number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(number, "w") as file:
            json.dump(state, file)
        Path(temporary).replace(self._path)


def utc_now() -> str:
    """Return the time as ISO 8601 text."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def run(
    source: Place,
    target: Place,
    prefix: str,
    habits: Habits,
    workers: int,
    journal: Journal,
    earlier: Iterable[Seen] = (),
    progress: str | None = None,
) -> int:
    """Compare from where the journal stands; return how many bytes were read of objects on both sides.

    Raise ListingError, UnsortedError, WireError or HopelessError; what was compared until then is in the journal.
    """
    first, *others = (
        Wire(place.store, habits.patience, busy_attempts=None) for place in (source, *[target] * min(LISTERS, workers))
    )
    theirs = Pieces(Lister(target.bucket, prefix), others, journal.after)
    pages = Lister(source.bucket, prefix).pages(first, journal.after)
    ours = Ahead(theirs.cut_along(pages), LISTERS + 1)
    try:
        merged = merge(ours, theirs, (source.variable, target.variable))
        return _compare_all(source, target, merged, habits, workers, journal, earlier, progress)
    finally:
        ours.stop()
        theirs.stop()


def run_only(
    source: Place,
    target: Place,
    keys: Iterable[str],
    habits: Habits,
    workers: int,
    journal: Journal,
    progress: str | None = None,
) -> int:
    """Compare some keys, in their order, as `run` does, without a listing."""
    pairs = ((Entry(key, 0, "", ""), Entry(key, 0, "", "")) for key in keys if key > journal.after)
    return _compare_all(source, target, pairs, habits, workers, journal, (), progress)


def _compare_all(
    source: Place,
    target: Place,
    merged: Iterable[Pair],
    habits: Habits,
    workers: int,
    journal: Journal,
    earlier: Iterable[Seen],
    progress: str | None,
) -> int:
    order = Order(journal)
    state = Progress(progress, order)
    work: queue.Queue[Batch | None] = queue.Queue(workers * 2)
    comparers = [Comparer(source, target, habits) for _ in range(workers)]
    threads = [threading.Thread(target=_work, args=(one, work, order), daemon=True) for one in comparers]
    for thread in threads:
        thread.start()
    try:
        for batch in batches(merged, habits, earlier):
            order.room(batch.number)
            work.put(batch)
    except Exception as exc:
        order.fail(exc)
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()
    order.finish()
    state.end()
    order.check()
    return sum(one.bytes_read for one in comparers)


def _work(comparer: Comparer, work: queue.Queue[Batch | None], order: Order) -> None:
    """Compare batches until there are no more; after an error they are only taken away."""
    try:
        while (batch := work.get()) is not None:
            if order.failed:
                continue
            try:
                order.put(batch, comparer.compare(batch.pairs, batch.known))
            except Exception as exc:
                order.fail(exc)
    finally:
        comparer.close()
