# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a comparison: what was found, and how far it got; a killed run is continued from it.

Beside it is what the listings told of the objects that are the same, which spares a later run to compare them again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ansible_collections.onprem.mlflow.plugins.module_utils import s3_seen
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_seen import SUFFIX, Seen

FAMILY = "onprem.mlflow.s3_compare "
FORMAT = FAMILY + "2"
FIRST = b'{"journal":"'
# What a result shows of each list; the journal has all of it.
SHOWN = 1000
SYNC_BYTES = 1 << 20

LISTS = ("different", "missing", "extra", "unsettled", "unreadable")
COUNTS = ("objects", "bytes", "same", "earlier", *(f"{name}_count" for name in LISTS))
WAYS = ("etag", "checksum", "read")


@dataclass
class Findings:
    """What was counted and found; bytes are those of the source, lists hold (kind, what) in the order of the keys."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    by: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))
    lists: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in LISTS})
    # Of the objects that are the same, and were as they had been listed; not added up.
    seen: list[Seen] = field(default_factory=list)

    def note(self, kind: str, what: Any) -> None:
        """Add to one of the lists."""
        self.counts[f"{kind}_count"] += 1
        self.lists[kind].append(what)

    def add(self, other: Findings, shown: int = SHOWN) -> None:
        """Add up, with lists as long as they are shown."""
        for name, count in other.counts.items():
            self.counts[name] += count
        for way, count in other.by.items():
            self.by[way] += count
        for kind, found in other.lists.items():
            self.lists[kind].extend(found[: max(0, shown - len(self.lists[kind]))])

    def complete(self, whole: Mapping[str, Any]) -> None:
        """Add what a comparison of all objects found, of which these were compared once more."""
        for name in ("objects", "bytes"):
            self.counts[name] = whole["counts"][name]
        for name in ("same", "earlier"):
            self.counts[name] += whole["counts"][name]
        for way, count in whole["by"].items():
            self.by[way] += count

    @property
    def differences(self) -> int:
        """Return how many findings there are."""
        return sum(self.counts[f"{name}_count"] for name in LISTS)


class Journal:
    """A file of JSON lines: who is compared, findings, how far they go, and in the end that it is complete.

    Findings stand before the line that says how far they go, in one write, and it says how much of the file beside
    holds by then. What follows in either is cut off when a run is continued, a broken line too.
    """

    def __init__(self, path: str | None, identity: Mapping[str, Any], run: str) -> None:
        """Open the file, 0600, and read what an unfinished run of the same name about the same has found.

        Raise InputError where another process writes it or it is no journal. Without a path nothing is kept.
        """
        self.findings = Findings()
        self.after = ""
        self.start: dict[str, Any] = {}
        self._file: BinaryIO | None = None
        self._seen: BinaryIO | None = None
        self._seen_bytes = 0
        self._unsynced = 0
        self._identity = {"journal": FORMAT, "identity": dict(identity), "run": run}
        if path is None:
            return
        self._file = _opened(path)
        self._path = path
        try:
            end = self._read(self._file)
            self._seen = _opened(path + SUFFIX)
            if not s3_seen.is_one(self._seen):
                raise InputError(f"journal: {path + SUFFIX!r} would be written over, write another path.")
        except InputError:
            self.close()
            raise
        if end and _size(self._seen) < self._seen_bytes:
            # The machine broke down, and only the journal was saved.
            end, self._seen_bytes = 0, 0
            self.findings, self.after, self.start = Findings(), "", {}
        for file, length in ((self._file, end), (self._seen, self._seen_bytes)):
            file.seek(length)
            file.truncate()

    @property
    def kept(self) -> bool:
        """Tell whether anything is written down."""
        return self._file is not None

    @property
    def continued(self) -> bool:
        """Tell whether a run before was read."""
        return bool(self.start)

    def begin(self, start: Mapping[str, Any]) -> None:
        """Write the first line, with when the run began, unless one is continued."""
        if not self.continued:
            self.start = dict(start)
            self._write([{**self._identity, "start": self.start}], sync=True)

    def checkpoint(self, key: str, found: Findings, seen: bytes) -> None:
        """Write the findings up to a key, and blocks of what was seen."""
        if self._seen is not None:
            self._seen.write(seen)
            self._seen.flush()
            self._seen_bytes += len(seen)
            self._unsynced += len(seen)
        lines = [{kind: what} for kind in LISTS for what in found.lists[kind]]
        self.findings.add(found)
        self.after = key
        self._write([*lines, {"to": key, **self._totals()}])

    def end(self, ended_at: str) -> None:
        """Write that the run is complete."""
        self._write([{"ended_at": ended_at, **self._totals()}], sync=True)

    def close(self) -> None:
        """Close the files, and let others write them."""
        for file in (self._seen, self._file):
            if file is not None:
                file.close()
        self._seen = self._file = None

    def _totals(self) -> dict[str, Any]:
        return {"counts": self.findings.counts, "by": self.findings.by, "seen": self._seen_bytes}

    def _write(self, lines: list[dict[str, Any]], sync: bool = False) -> None:
        if self._file is None:
            return
        data = "".join([json.dumps(line, separators=(",", ":")) + "\n" for line in lines]).encode()
        self._file.write(data)
        # What left the process survives its end; only a crash of the machine needs the sync.
        self._file.flush()
        self._unsynced += len(data)
        if sync or self._unsynced >= SYNC_BYTES:
            for file in (self._seen, self._file):
                if file is not None:
                    os.fsync(file.fileno())
            self._unsynced = 0

    def _read(self, file: BinaryIO) -> int:
        """Take over an unfinished run of the same; return how much of the file is to be kept, in bytes."""
        lines = read_lines(file)
        header, kept = next(lines, ({}, 0))
        if not str(header.get("journal", "")).startswith(FAMILY):
            file.seek(0)
            # Nothing, or the beginning of a first line.
            if header or not FIRST.startswith(file.read(len(FIRST))):
                raise InputError(f"journal: {self._path!r} is not a journal of a comparison, write another path.")
            return 0
        if {name: header.get(name) for name in self._identity} != self._identity:
            return 0
        found = Findings()
        after = ""
        pending = Findings()
        for line, end in lines:
            if "ended_at" in line:
                # Complete: the next run begins anew.
                self._seen_bytes = 0
                return 0
            if "to" in line:
                after, kept = line["to"], end
                for kind in LISTS:
                    found.lists[kind].extend(pending.lists[kind][: max(0, SHOWN - len(found.lists[kind]))])
                pending = Findings()
                found.counts, found.by, self._seen_bytes = line["counts"], line["by"], line["seen"]
            for kind in LISTS:
                if kind in line and len(pending.lists[kind]) < SHOWN:
                    pending.lists[kind].append(line[kind])
        self.findings, self.after, self.start = found, after, header["start"]
        return kept


def read_lines(file: BinaryIO) -> Iterator[tuple[dict[str, Any], int]]:
    """Return each whole line that is an object, with where it ends in bytes; stop at the first that is not."""
    end = 0
    for raw in file:
        end += len(raw)
        try:
            line = json.loads(raw) if raw.endswith(b"\n") else None
        except ValueError:
            return
        if not isinstance(line, dict):
            return
        yield line, end


class Earlier:
    """What a complete comparison saw, by key and in their order."""

    def __init__(self, path: str, size: int, by: dict[str, int]) -> None:
        """Take the file beside its journal, of which so many bytes count, and how many objects were compared by what.

        Raise InputError where it cannot be read.
        """
        self.by = by
        self._path = path
        self._size = size
        try:
            with Path(path).open("rb") as file:
                whole = _size(file) >= size
        except OSError as exc:
            raise _unreadable(path, exc) from exc
        if not whole:
            raise InputError(f"since: {path!r} ends in the middle, leave it out.")

    def __iter__(self) -> Iterator[Seen]:
        """Return it bit by bit; raise InputError where the file is damaged."""
        try:
            with Path(self._path).open("rb") as file:
                yield from s3_seen.read(file, self._size)
        except OSError as exc:
            raise _unreadable(self._path, exc) from exc
        except s3_seen.DamagedError as exc:
            raise InputError(f"since: {self._path!r} {exc}, leave it out.") from exc


def read_earlier(path: str, identity: Mapping[str, Any]) -> Earlier:
    """Return what a complete comparison of the same saw; raise InputError where the journal is of none."""
    end = read_ends("since", path, identity)[1]
    return Earlier(path + SUFFIX, end["seen"], end["by"])


def read_ends(option: str, path: str, identity: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the first and the last line of a complete comparison of the same, which an option names."""
    header: dict[str, Any] = {}
    end: dict[str, Any] = {}
    try:
        with Path(path).open("rb") as file:
            for line, _ in read_lines(file):
                header = header or line
                end = line
    except OSError as exc:
        raise _unreadable(path, exc, option) from exc
    if header.get("journal") != FORMAT or header.get("identity") != dict(identity):
        raise InputError(f"{option}: {path!r} is not a journal of these stores, buckets and prefix, leave it out.")
    if "ended_at" not in end:
        raise InputError(f"{option}: {path!r} is of a comparison that did not end, leave it out.")
    return header, end


def _unreadable(path: str, exc: OSError, option: str = "since") -> InputError:
    return InputError(f"{option}: {path!r} cannot be read ({exc.strerror}), write the path of a journal.")


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _opened(path: str) -> BinaryIO:
    """Open a file that is made 0600, for this process alone."""
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise InputError(
            f"journal: {path!r} cannot be written ({exc.strerror}), write the path of a file in a folder that exists."
        ) from exc
    file = os.fdopen(number, "rb+")
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(number, 0o600)
    except OSError as exc:
        file.close()
        raise InputError(f"journal: another comparison writes {path!r}, wait for its end.") from exc
    return file
