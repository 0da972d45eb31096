# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a copy is, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

# The rate shown is that of the last moments: neither a second's nor that of hours ago.
RATE_SECONDS = 30
# A copy that hardly moves is waiting for something: nothing can be told from its pace.
MAX_LEFT_SECONDS = 14 * 86400
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size_text(count: float) -> str:
    """Write a number of bytes with a unit."""
    value = float(count)
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def time_text(seconds: float) -> str:
    """Write a duration with its two largest units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def visible(key: str) -> str:
    """Return a key with control characters escaped, for people's eyes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in key)


def utc(seconds: float) -> str:
    """Write a moment in seconds since 1970 as UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> float:
    """Read what `utc` writes; raise ValueError where it is something else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()


def recent(samples: Sequence[Mapping[str, Any]], seconds: float = RATE_SECONDS) -> tuple[float, int, int]:
    """Return how many seconds lie between the last sample and an earlier one, and the objects and bytes between."""
    if len(samples) < 2:
        return 0.0, 0, 0
    last = samples[-1]
    end = moment(last["at"])
    first = next(item for item in samples if moment(item["at"]) >= end - seconds)
    span = end - moment(first["at"])
    return span, last["objects"] - first["objects"], last["bytes"] - first["bytes"]


def share(objects: float, size: float, total_objects: int, total_bytes: int) -> float:
    """Return which part of the work this is; an object costs time by itself and by its bytes."""
    parts = [done / total for done, total in ((objects, total_objects), (size, total_bytes)) if total]
    return sum(parts) / len(parts) if parts else 0.0


def place(copy: Mapping[str, Any]) -> str:
    """Name what is copied."""
    path = f"{copy['bucket']}/{copy['prefix']}" if copy["prefix"] else str(copy["bucket"])
    target = copy["target_bucket"]
    return visible(path if target == copy["bucket"] else f"{path} to {target}")


def progress_line(copy: Mapping[str, Any], totals_known: bool) -> str:
    """Say in one line how far a copy is: objects, bytes, rate, time left."""
    # What an earlier run did, before it was killed, says nothing about the rate now.
    samples = [item for item in copy["samples"] if item["at"] >= copy["run_started_at"]]
    span, more_objects, more_bytes = recent(samples)
    objects = samples[-1]["objects"] if samples else copy["objects"]
    size = samples[-1]["bytes"] if samples else copy["bytes"]
    totals = (copy["objects_total"], copy["bytes_total"])
    done = share(objects, size, *totals)
    parts = []
    if totals_known:
        parts.append(f"{min(1.0, done):.0%}")
        parts.append(f"{objects:,} of {totals[0]:,} objects")
        parts.append(f"{size_text(size)} of {size_text(totals[1])}")
    else:
        parts += [f"{objects:,} objects", size_text(size)]
    if span > 0:
        parts.append(f"{size_text(more_bytes / span)}/s, {more_objects / span:,.0f} objects/s")
    speed = share(more_objects, more_bytes, *totals) / span if span > 0 else 0.0
    if totals_known and speed > 0 and (left := max(0.0, 1 - done) / speed) < MAX_LEFT_SECONDS:
        parts.append(f"{time_text(left)} left")
    if copy["failed_count"]:
        parts.append(f"{copy['failed_count']:,} failed")
    return f"{place(copy)}: {', '.join(parts)}"


def outcome(copy: Mapping[str, Any]) -> str:
    """Say in one sentence what a copy has done."""
    done = f"{copy['objects']:,} {'object' if copy['objects'] == 1 else 'objects'} ({size_text(copy['bytes'])})"
    if copy["running"]:
        return f"{place(copy)}: {done} copied so far."
    troubles = []
    if copy["failed_count"]:
        first = copy["failed"][0] if copy["failed"] else {"key": "?", "reason": "?"}
        example = f"'{visible(first['key'])}': {visible(first['reason'])}"
        troubles.append(f"{copy['failed_count']:,} not ({example})")
    troubles += [visible(text) for text in copy["errors"][:3]]
    if troubles:
        complaint = "; ".join(text.rstrip(".") for text in troubles)
        return f"{place(copy)}: {done} copied, {complaint}. Mend that and run it again: it goes on from here."
    return f"{place(copy)}: {done} copied."
