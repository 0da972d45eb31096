# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a comparison: what was found, and how far it got; a killed run is continued from it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

FORMAT = "onprem.mlflow.s3_compare 1"
FIRST = b'{"journal":"'
# What a result shows of each list; the journal has all of it.
SHOWN = 1000
# Keys that are compared again by a later run, held in memory.
REMEMBERED = 1_000_000
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

    @property
    def differences(self) -> int:
        """Return how many findings there are."""
        return sum(self.counts[f"{name}_count"] for name in LISTS)


class Journal:
    """A file of JSON lines: who is compared, findings, how far they go, and in the end that it is complete.

    Findings stand before the line that says how far they go, in one write. What follows the last such line is cut
    off when a run is continued, a broken line too.
    """

    def __init__(self, path: str | None, identity: Mapping[str, Any], run: str) -> None:
        """Open the file, 0600, and read what an unfinished run of the same name about the same has found.

        Raise InputError where another process writes it or it is no journal. Without a path nothing is kept.
        """
        self.findings = Findings()
        self.after = ""
        self.start: dict[str, Any] = {}
        self._file: BinaryIO | None = None
        self._unsynced = 0
        self._identity = {"journal": FORMAT, "identity": dict(identity), "run": run}
        if path is None:
            return
        self._file = _opened(path)
        self._path = path
        try:
            end = self._read(self._file)
        except InputError:
            self.close()
            raise
        self._file.seek(end)
        self._file.truncate()

    @property
    def continued(self) -> bool:
        """Tell whether a run before was read."""
        return bool(self.start)

    def begin(self, start: Mapping[str, Any]) -> None:
        """Write the first line, with when the run began, unless one is continued."""
        if not self.continued:
            self.start = dict(start)
            self._write([{**self._identity, "start": self.start}], sync=True)

    def checkpoint(self, key: str, found: Findings) -> None:
        """Write the findings up to a key."""
        lines = [{kind: what} for kind in LISTS for what in found.lists[kind]]
        self.findings.add(found)
        self.after = key
        self._write([*lines, {"to": key, **self._totals()}])

    def end(self, ended_at: str) -> None:
        """Write that the run is complete."""
        self._write([{"ended_at": ended_at, **self._totals()}], sync=True)

    def close(self) -> None:
        """Close the file, and let others write it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _totals(self) -> dict[str, Any]:
        return {"counts": self.findings.counts, "by": self.findings.by}

    def _write(self, lines: list[dict[str, Any]], sync: bool = False) -> None:
        if self._file is None:
            return
        data = "".join([json.dumps(line, separators=(",", ":")) + "\n" for line in lines]).encode()
        self._file.write(data)
        # What left the process survives its end; only a crash of the machine needs the sync.
        self._file.flush()
        self._unsynced += len(data)
        if sync or self._unsynced >= SYNC_BYTES:
            os.fsync(self._file.fileno())
            self._unsynced = 0

    def _read(self, file: BinaryIO) -> int:
        """Take over an unfinished run of the same; return how much of the file is to be kept, in bytes."""
        lines = read_lines(file)
        header, kept = next(lines, ({}, 0))
        if header.get("journal") != FORMAT:
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
                return 0
            if "to" in line:
                after, kept = line["to"], end
                for kind in LISTS:
                    found.lists[kind].extend(pending.lists[kind][: max(0, SHOWN - len(found.lists[kind]))])
                pending = Findings()
                found.counts, found.by = line["counts"], line["by"]
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


@dataclass(frozen=True)
class Earlier:
    """A comparison that is complete: when it began by each store's clock (seconds), and the keys it was not sure of."""

    clocks: tuple[float, float]
    unsure: frozenset[str]


def read_earlier(path: str, identity: Mapping[str, Any]) -> Earlier:
    """Read the journal of a complete comparison of the same; raise InputError where it is none."""
    unsure: set[str] = set()
    header: dict[str, Any] = {}
    complete = False
    try:
        with Path(path).open("rb") as file:
            for line, _ in read_lines(file):
                header = header or line
                complete = complete or "ended_at" in line
                for kind in LISTS:
                    if kind in line:
                        what = line[kind]
                        unsure.add(what["key"] if isinstance(what, dict) else what)
                if len(unsure) > REMEMBERED:
                    raise InputError(f"since: {path!r} has more than {REMEMBERED} findings, leave it out.")
    except OSError as exc:
        raise InputError(f"since: {path!r} cannot be read ({exc.strerror}), write the path of a journal.") from exc
    if header.get("journal") != FORMAT or header.get("identity") != dict(identity):
        raise InputError(f"since: {path!r} is not a journal of these stores, buckets and prefix, leave it out.")
    if not complete:
        raise InputError(f"since: {path!r} is of a comparison that did not end, leave it out.")
    clocks = header["start"]["clocks"]
    return Earlier((float(clocks[0]), float(clocks[1])), frozenset(unsure))


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
