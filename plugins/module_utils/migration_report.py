# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a migration came to, from the results of its steps. All of it is pure; the same input gives the same report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_text import moment, size_text, time_text

OUTCOMES = ("moved", "copied", "back", "failed")
GOOD, WARNING, BAD = "good", "warning", "bad"
PASS_NAMES = {"mirror": "Copied by mc mirror", "again": "Copied again, key by key"}
BINS = 120

Item = Mapping[str, Any]


def build(given: Item) -> dict[str, Any]:
    """Return the report as plain data."""
    comparisons = latest_comparisons(given.get("comparisons") or [])
    sample = list(given.get("sample") or [])
    inventory = given.get("inventory") or {}
    copies = latest_copies(given.get("copies") or [], inventory.get("buckets") or [])
    buckets = bucket_rows(inventory.get("buckets") or [], copies, comparisons)
    started, ended = given.get("started_at"), given.get("ended_at")
    whole = seconds_between("started_at", started, "ended_at", ended)
    frozen = seconds_between("frozen_at", given.get("frozen_at"), "thawed_at", given.get("thawed_at"))
    doubts = doubts_of(comparisons, sample, copies, inventory.get("buckets") or [])
    level, headline, text = verdict(given, comparisons, doubts)
    return {
        "title": "MinIO to RustFS",
        "verdict": {"level": level, "headline": headline, "text": text, "doubts": doubts},
        "outcome": given["outcome"],
        "reason": given.get("reason") or "",
        "source": given.get("source_url") or "",
        "target": given.get("target_url") or "",
        "started_at": started,
        "ended_at": ended,
        "seconds": whole,
        "frozen_at": given.get("frozen_at"),
        "thawed_at": given.get("thawed_at"),
        "frozen_seconds": frozen,
        "frozen_share": None if frozen is None or not whole else round(frozen / whole, 4),
        "phases": [dict(phase) for phase in given.get("phases") or []],
        "totals": totals(buckets, comparisons),
        "buckets": buckets,
        "passes": [pass_row(name, copies) for name in PASS_NAMES if any(item["pass"] == name for item in copies)],
        "proof": proof(comparisons, "by"),
        "earlier_proof": proof(comparisons, "earlier_by"),
        "unchanged": sum(int(item.get("earlier") or 0) for item in comparisons),
        "findings": findings(comparisons),
        "left_out": [dict(item) for item in inventory.get("limits") or []],
        "accepted": list(given.get("accepted") or []),
        "carried": [sentence_of(item) for item in (given.get("settings") or {}).get("carried") or []],
        "by_hand": [sentence_of(item) for item in (given.get("settings") or {}).get("by_hand") or []],
        "sample": [dict(item) for item in sample],
        "next_steps": [str(item) for item in given.get("next_steps") or []],
    }


def seconds_between(first_name: str, first: str | None, last_name: str, last: str | None) -> int | None:
    """Return the seconds between two moments in UTC; None where one is not known."""
    moments = []
    for name, text in ((first_name, first), (last_name, last)):
        if not text:
            return None
        try:
            moments.append(moment(text))
        except ValueError:
            raise InputError(f"{name}: found {text!r}, write a moment in UTC such as '2026-11-21T10:00:00Z'.") from None
    return max(0, round(moments[1] - moments[0]))


def place_of(item: Item) -> tuple[str, str]:
    """Return bucket and prefix, so that the results of all steps find each other."""
    return item.get("bucket") or item["name"], str(item.get("prefix") or "").rstrip("/")


def latest_copies(copies: Iterable[Item], inventory: Sequence[Item]) -> list[Item]:
    """Keep the last account of each copy, of what is in the inventory: an earlier run may have had another list."""
    places = {place_of(item) for item in inventory}
    latest = {
        (item["pass"], place_of(item), item["started_at"]): item
        for item in copies
        if not places or place_of(item) in places
    }
    return list(latest.values())


def latest_comparisons(comparisons: Iterable[Item]) -> list[Item]:
    """Keep the last comparison of each bucket and prefix: objects that were copied again were compared again."""
    latest: dict[tuple[str, str], Item] = {}
    for item in comparisons:
        latest[place_of(item)] = item
    return list(latest.values())


def count_of(item: Item, name: str) -> int:
    """Return how many a list of a result stands for, which may itself be cut short."""
    return int(item.get(f"{name}_count") or len(item.get(name) or []))


def doubts_of(
    comparisons: Sequence[Item], sample: Sequence[Item], copies: Sequence[Item], buckets: Sequence[Item]
) -> list[str]:
    """Say what speaks against the migration, one sentence each."""
    names = {
        "different": ("differs", "differ"),
        "missing": ("is missing on the target", "are missing on the target"),
        "unreadable": ("could not be compared", "could not be compared"),
        "unsettled": ("was still being written", "were still being written"),
        "extra": ("is on the target and not on the source", "are on the target and not on the source"),
    }
    doubts = []
    for item in comparisons:
        for name, words in names.items():
            count = count_of(item, name)
            if count:
                doubts.append(f"{number(count, 'object')} of {item['bucket']} {words[count != 1]}.")
    wrong = [item for item in sample if not item.get("same")]
    if wrong:
        doubts.append(f"{len(wrong)} of {number(len(sample), 'artifact')} did not read back the same through MLflow.")
    if comparisons:
        compared = {place_of(item) for item in comparisons}
        for place in sorted({place_of(item) for item in [*copies, *buckets]} - compared):
            doubts.append(f"{'/'.join(part for part in place if part)} was not compared.")
    return doubts


def verdict(given: Item, comparisons: Sequence[Item], doubts: Sequence[str]) -> tuple[str, str, str]:
    """Return level, headline and sentence for the top of the page."""
    objects = sum(item["objects"] for item in comparisons)
    size = sum(item["bytes"] for item in comparisons)
    compared = f"{number(objects, 'object')} with {size_text(size)}"
    reason = str(given.get("reason") or "").strip()
    outcome = given["outcome"]
    if outcome == "failed":
        return BAD, "The migration did not come to its end", reason or "No reason was given."
    if outcome == "back":
        text = "MLflow reads and writes MinIO, as it did before. "
        return WARNING, "MLflow is back on MinIO", text + (reason or "")
    if doubts:
        return BAD, "Not everything arrived", "What was found is listed below. Do not remove the old store."
    if not comparisons:
        return WARNING, "Copied, and not compared", "Nothing shows yet that the copy is right: compare it."
    same = f"{compared} were compared one by one, content and headers, and all are the same on both sides."
    if outcome == "copied":
        return GOOD, "The copy is complete", f"{same} MLflow still uses MinIO."
    return GOOD, "MLflow is on RustFS, and nothing was lost", same


def number(count: int, noun: str) -> str:
    """Write a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def bucket_rows(inventory: Iterable[Item], copies: Sequence[Item], comparisons: Sequence[Item]) -> list[dict[str, Any]]:
    """Put together what is known of each bucket and prefix."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}

    def row(item: Item) -> dict[str, Any]:
        key = place_of(item)
        return rows.setdefault(key, {"bucket": key[0], "prefix": key[1], "copied": {}, "failed": 0, "compared": False})

    for item in inventory:
        found = row(item)
        found.update({name: item.get(name) for name in ("objects", "bytes", "versions", "delete_markers")})
        found["target_bucket"] = item.get("target_name") or item["name"]
    for item in copies:
        copied = row(item)["copied"].setdefault(item["pass"], {"objects": 0, "bytes": 0, "failed": 0})
        for name, count in (
            ("objects", item["objects"]),
            ("bytes", item["bytes"]),
            ("failed", count_of(item, "failed")),
        ):
            copied[name] += count
    for item in comparisons:
        found = row(item)
        found["compared"] = True
        found.update(objects=item["objects"], bytes=item["bytes"], same=item["same"])
        for name in ("different", "missing", "extra", "unreadable", "unsettled"):
            found[name] = count_of(item, name)
        found["by"] = dict(item.get("by") or {})
        found["earlier"] = int(item.get("earlier") or 0)
    return list(rows.values())


def totals(buckets: Sequence[Item], comparisons: Sequence[Item]) -> dict[str, int]:
    """Sum up the buckets."""
    return {
        "buckets": len(buckets),
        "objects": sum(row.get("objects") or 0 for row in buckets),
        "bytes": sum(row.get("bytes") or 0 for row in buckets),
        "versions_left": sum((row.get("versions") or 0) + (row.get("delete_markers") or 0) for row in buckets),
        "same": sum(item["same"] for item in comparisons),
    }


def proof(comparisons: Sequence[Item], by: str) -> dict[str, int]:
    """Count the objects by how their content was compared."""
    counts = {"etag": 0, "checksum": 0, "read": 0}
    for item in comparisons:
        for name, count in (item.get(by) or {}).items():
            counts[name] = counts.get(name, 0) + count
    return counts


def findings(comparisons: Sequence[Item]) -> list[dict[str, Any]]:
    """List objects that are not the same on both sides, a hundred of each kind in each bucket at most."""
    found: list[dict[str, Any]] = []
    for item in comparisons:
        for kind in ("different", "missing", "extra", "unreadable", "unsettled"):
            shown = [entry if isinstance(entry, Mapping) else {"key": entry} for entry in (item.get(kind) or [])[:100]]
            if shown:
                entries = [
                    {"key": entry["key"], "why": str(entry.get("reason") or ", ".join(entry.get("what") or []))}
                    for entry in shown
                ]
                found.append(
                    {"bucket": item["bucket"], "kind": kind, "count": count_of(item, kind), "entries": entries}
                )
    return found


def pass_row(name: str, copies: Sequence[Item]) -> dict[str, Any]:
    """Sum up one pass over all buckets, with its rates over time."""
    mine = [item for item in copies if item["pass"] == name]
    begun = min(item["started_at"] for item in mine)
    ended = max((item["ended_at"] or item["started_at"]) for item in mine)
    # Not of the time between runs of the playbook.
    seconds = round(sum(moment(item["ended_at"] or item["started_at"]) - moment(item["started_at"]) for item in mine))
    size = sum(item["bytes"] for item in mine)
    objects = sum(item["objects"] for item in mine)
    return {
        "pass": name,
        "name": PASS_NAMES[name],
        "started_at": begun,
        "ended_at": ended,
        "seconds": seconds,
        "objects": objects,
        "bytes": size,
        "bytes_per_second": round(size / max(1, seconds)),
        "objects_per_second": round(objects / max(1, seconds), 1),
        "failed": [{"bucket": item["bucket"], **entry} for item in mine for entry in item.get("failed") or []],
        "failed_count": sum(count_of(item, "failed") for item in mine),
        "errors": [str(text) for item in mine for text in item.get("errors") or []],
        "rates": rates_over_time(mine, moment(begun), moment(ended)),
    }


def rates_over_time(copies: Iterable[Item], begun: float, ended: float) -> dict[str, Any]:
    """Spread the samples of copies evenly over bins, and return the rates per second in each."""
    span = max(1.0, ended - begun)
    width = max(1.0, span / BINS)
    bins = max(1, round(span / width))
    rates = {"objects": [0.0] * bins, "bytes": [0.0] * bins}
    for item in copies:
        samples = list(item.get("samples") or [])
        first = {"at": item["started_at"], "objects": 0, "bytes": 0}
        for before, after in zip([first, *samples], samples):
            start, end = moment(before["at"]) - begun, moment(after["at"]) - begun
            for name, row in rates.items():
                spread(row, width, start, end, max(0, after[name] - before[name]))
    return {
        "bin_seconds": round(width, 2),
        "objects_per_second": [round(value, 1) for value in rates["objects"]],
        "bytes_per_second": [round(value) for value in rates["bytes"]],
    }


def spread(row: list[float], width: float, start: float, end: float, amount: float) -> None:
    """Add an amount that came between two moments to the bins between them, as a rate."""
    last = len(row) - 1
    first_bin, last_bin = (min(last, max(0, int(moment // width))) for moment in (start, end))
    if end - start <= 0:
        row[first_bin] += amount / width
        return
    for index in range(first_bin, last_bin + 1):
        low = start if index == first_bin else index * width
        high = end if index == last_bin else (index + 1) * width
        row[index] += amount * (max(0.0, high - low) / (end - start)) / width


def sentence_of(item: object) -> str:
    """Return the text of an entry, which may be a dict with a text and a bucket."""
    if not isinstance(item, Mapping):
        return str(item)
    text = str(item.get("text") or item.get("sentence") or item.get("name") or dict(item))
    bucket = item.get("bucket")
    return f"{bucket}: {text}" if bucket and str(bucket) not in text else text


def duration(seconds: float | None) -> str:
    """Write a duration, or a dash."""
    return "-" if seconds is None else time_text(seconds)
