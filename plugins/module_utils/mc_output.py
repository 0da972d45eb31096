# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `mc mirror --json` prints, and what follows from it.

A line of `success` stands for an object that was begun, not for one that arrived. Failures of permission are never
told: only the lines about retries, which end after the third, hint at them. The exit status proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_FAILED = 10_000
MAX_ERRORS = 50
MAX_SAMPLES = 500
# Sizes that are remembered of objects that may still fail; small ones are over soon after they were begun.
LARGE_BYTES = 16 << 20
MAX_SIZES_SMALL = 2_000
# mc has never more, so no more objects can be on their way.
MAX_WORKERS = 128
MAX_SIZES_LARGE = 5_000

_FAILED = "Failed to copy `"
_RETRIED = "retried {count} times without telling why; the usual reason is that the access key may not do it"

Event = dict[str, Any]


def split_events(text: str) -> tuple[list[Event | str], int]:
    """Cut the text into JSON objects and foreign lines; return also how many characters were used up.

    mc prints one object on a line, or, in some releases and for errors only, on several.
    """
    decoder = json.JSONDecoder()
    events: list[Event | str] = []
    position = 0
    while position < len(text):
        if text[position] in " \t\r\n":
            position += 1
            continue
        end = text.find("\n", position)
        if text[position] == "{":
            try:
                event, after = decoder.raw_decode(text, position)
            except json.JSONDecodeError:
                if not _torn(text, position):
                    break
            else:
                events.append(event)
                position = after
                continue
        if end < 0:
            break
        events.append(text[position:end])
        position = end + 1
    return events, position


def _torn(text: str, position: int) -> bool:
    """Tell whether an object that cannot be read is followed by another: a killed mc left half a line."""
    return "\n{" in text[position:]


def key_of(url: str, bucket: str) -> str:
    """Return the object's key in an address such as `http://host:9000/bucket/key`, which mc does not quote."""
    rest = url.partition("://")[2].partition("/")[2]
    return rest.removeprefix(f"{bucket}/")


@dataclass
class Progress:
    """State of one run of mc; plain data, to be kept as JSON between two looks."""

    begun_objects: int = 0
    begun_bytes: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    failed_count: int = 0
    failed_bytes: int = 0
    retried: dict[str, int] = field(default_factory=dict)
    # Keys that were retried and are not in `retried`, which is bounded.
    retried_more: int = 0
    errors: list[str] = field(default_factory=list)
    finished: bool = False
    # Objects that were begun and are not known to have left: their sizes in order, and the bytes of those that have.
    waiting: list[int] = field(default_factory=list)
    passed_objects: int = 0
    passed_bytes: int = 0
    sizes_small: dict[str, int] = field(default_factory=dict)
    sizes_large: dict[str, int] = field(default_factory=dict)
    # Whether the kernel tells how much mc has written.
    counted: bool = False
    samples: list[list[float]] = field(default_factory=list)
    sample_step: int = 1
    sample_number: int = 0

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Progress:
        """Read what `dump` wrote."""
        return cls(**stored)

    def dump(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @property
    def objects(self) -> int:
        """Count the objects that have arrived, as far as is known."""
        return max(0, self.passed_objects - self.failed_count)

    @property
    def bytes(self) -> int:
        """Count the bytes of the objects that have arrived, and of those on their way, as far as is known."""
        return max(0, self.passed_bytes - self.failed_bytes)

    def feed(self, event: Event | str, bucket: str) -> None:
        """Take in one event."""
        if isinstance(event, str):
            self.complain(event)
        elif "retries" in event:
            self._retry(key_of(str(event.get("sourceURL", "")), bucket), int(event["retries"]))
        elif event.get("status") == "error":
            self._error(event.get("error") or {}, bucket)
        elif "source" in event:
            self._begin(str(event["source"]), int(event.get("size") or 0))
        elif "total" in event:
            self.finished = True

    def _begin(self, source: str, size: int) -> None:
        self.begun_objects += 1
        self.begun_bytes += size
        self.waiting.append(size)
        sizes, limit = (
            (self.sizes_large, MAX_SIZES_LARGE) if size >= LARGE_BYTES else (self.sizes_small, MAX_SIZES_SMALL)
        )
        sizes[source.partition("/")[2]] = size
        if len(sizes) > limit:
            del sizes[next(iter(sizes))]

    def _retry(self, key: str, count: int) -> None:
        if key in self.retried or len(self.retried) < MAX_FAILED:
            self.retried[key] = count
        elif count == 1:
            self.retried_more += 1

    def _error(self, error: Mapping[str, Any], bucket: str) -> None:
        message = str(error.get("message") or "")
        reason = str((error.get("cause") or {}).get("message") or "").strip() or "mc gave no reason"
        if message.startswith(_FAILED):
            self.fail(key_of(message[len(_FAILED) :].removesuffix("`."), bucket), reason, bucket)
        else:
            self.complain(f"{message.rstrip('.')}: {reason}")

    def fail(self, key: str, reason: str, bucket: str) -> None:
        """Note an object that was not copied."""
        self.retried.pop(key, None)
        if key in self.failed:
            return
        # mc shows the path of an object cleaned: a slash at its end is gone.
        path = f"{bucket}/{key}".rstrip("/")
        self.failed_bytes += self.sizes_large.pop(path, 0) or self.sizes_small.pop(path, 0)
        self.failed_count += 1
        if len(self.failed) < MAX_FAILED:
            self.failed[key] = reason

    def fail_retried(self, key: str, reason: str | None, bucket: str) -> None:
        """Note that an object which mc tried again and again did not arrive."""
        count = self.retried.get(key, 0)
        self.fail(key, reason or _RETRIED.format(count=count), bucket)

    def newest(self, bucket: str) -> dict[str, int]:
        """Return the keys and sizes of the objects begun last: those that a killed mc may have left undone."""
        paths = [*list(self.sizes_small.items())[-MAX_WORKERS:], *list(self.sizes_large.items())[-MAX_WORKERS:]]
        return {path.removeprefix(f"{bucket}/"): size for path, size in paths}

    def left_undone(self, sizes: list[int]) -> None:
        """Settle a run that was killed: all that was begun has arrived but objects of these sizes."""
        self.waiting = []
        self.passed_objects = self.begun_objects - len(sizes)
        self.passed_bytes = self.begun_bytes - sum(sizes)

    def complain(self, text: str) -> None:
        """Note an error that belongs to no object."""
        line = " ".join(text.split())[:500]
        if line and line not in self.errors and len(self.errors) < MAX_ERRORS:
            self.errors.append(line)

    def written(self, sent: int | None) -> None:
        """Settle which of the objects begun have left, by the bytes that mc has written; None: not known."""
        while self.waiting and (sent is None or self.passed_bytes + self.waiting[0] <= sent):
            self.passed_bytes += self.waiting.pop(0)
            self.passed_objects += 1

    def sample(self, at: float, sent: int | None) -> None:
        """Note how far the copy was at a moment in seconds since 1970; the samples stay few and evenly spread."""
        if sent is None and self.counted:
            # The kernel stops telling when mc has ended, in whatever way.
            return
        self.counted = self.counted or sent is not None
        self.written(sent)
        on_way = 0 if sent is None else max(0, min(sent - self.passed_bytes, sum(self.waiting)))
        if self.sample_number % self.sample_step == 0:
            self._note(at, on_way)
            if len(self.samples) > MAX_SAMPLES:
                self.samples = self.samples[::2]
                self.sample_step *= 2
        self.sample_number += 1

    def end(self, at: float) -> None:
        """Note that mc has ended, having done all that it began."""
        self.written(None)
        self._note(at, 0)

    def _note(self, at: float, on_way: int) -> None:
        # What failed is taken off again, and may have been counted when it was on its way.
        _at, objects, size = self.samples[-1] if self.samples else (0, 0, 0)
        self.samples.append([round(at, 1), max(objects, self.objects), max(size, self.bytes + on_way)])


def parse_sample(line: str) -> tuple[float, int | None, int] | None:
    """Read a line of `seconds bytes-written length-of-output`; the second is `-` where the kernel does not tell."""
    words = line.split()
    try:
        return float(words[0]), None if words[1] == "-" else int(words[1]), int(words[2])
    except (IndexError, ValueError):
        return None


def take_samples(data: bytes, position: int) -> Iterator[tuple[float, int | None, int, int]]:
    """Yield each complete line of samples from a position, with the position behind it."""
    while (end := data.find(b"\n", position)) >= 0:
        sample = parse_sample(data[position:end].decode("ascii", "replace"))
        position = end + 1
        if sample is not None:
            yield (*sample, position)
