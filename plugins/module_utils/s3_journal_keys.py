# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys that a comparison found not to be the same, read from its journal, however many they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal import (
    FORMAT,
    LISTS,
    Findings,
    read_ends,
    read_lines,
)

# They are held in memory.
MOST_KEYS = 100_000
TO_COPY = ("different", "missing")
TO_REMOVE = ("extra",)


def lines_of(path: str) -> Iterator[dict[str, Any]]:
    """Return the lines of a journal; raise InputError where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            for line, _ in read_lines(file):
                yield line
    except OSError as exc:
        raise InputError(f"journal: {path!r} cannot be read ({exc.strerror}), write the path of a journal.") from exc


class Left(NamedTuple):
    """How many keys are to be copied and to be removed, and what all of them begin with."""

    to_copy: int
    to_remove: int
    prefix: str


def count_keys(path: str) -> Left:
    """Count what a comparison left to do; raise InputError where it did not end."""
    copy = remove = 0
    first: dict[str, Any] = {}
    complete = False
    for line in lines_of(path):
        first = first or line
        copy += any(kind in line for kind in TO_COPY)
        remove += any(kind in line for kind in TO_REMOVE)
        complete = complete or "ended_at" in line
    if first.get("journal") != FORMAT:
        raise InputError(f"journal: {path!r} is not a journal of a comparison, write another path.")
    if not complete:
        raise InputError(f"journal: {path!r} is of a comparison that did not end, run that again.")
    return Left(copy, remove, first["identity"]["prefix"])


def keys_of(path: str, kinds: tuple[str, ...]) -> Iterator[str]:
    """Return the keys of some kinds of findings, in the order of the comparison."""
    for line in lines_of(path):
        for kind in kinds:
            if kind in line:
                what = line[kind]
                yield what["key"] if isinstance(what, dict) else what


class Rest(NamedTuple):
    """The keys that a comparison did not find the same, in their order, and what it counted of all objects."""

    keys: list[str]
    whole: dict[str, Any]


def is_fit(found: Findings) -> bool:
    """Tell whether what differs is few enough to be compared alone."""
    return found.differences <= MOST_KEYS


def read_rest(path: str, identity: Mapping[str, Any]) -> Rest:
    """Return what is left of a complete comparison of the same; raise InputError where the journal is of none."""
    header, end = read_ends("only", path, identity)
    found = Findings(dict(end["counts"]), dict(end["by"]))
    if not is_fit(found):
        raise InputError(
            f"only: {path!r} has {found.differences} objects that differ, more than {MOST_KEYS}; leave it out."
        )
    if "whole" in header["start"]:
        found.complete(header["start"]["whole"])
    whole = {"counts": found.counts, "by": found.by, "earlier_by": header["start"]["earlier_by"]}
    return Rest(sorted(set(keys_of(path, LISTS))), whole)
