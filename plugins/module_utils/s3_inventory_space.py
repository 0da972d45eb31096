# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the drives of the target have room for what is to be copied."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

# What RustFS keeps beside the content of an object on each drive: a folder and a file, a block each.
OBJECT_BYTES = 8192
MARGIN = 0.05
MARGIN_BYTES = 256 * 1024**2
# Drives up to, and how many of them may fail by default.
PARITY = ((1, 0), (3, 1), (5, 2), (7, 3))
PARITY_MOST = 4


@dataclass(frozen=True)
class Room:
    """A file system with drives of the target on it; sizes in bytes."""

    path: str
    free_bytes: int
    needed_bytes: int

    @property
    def enough(self) -> bool:
        """Tell whether it will do."""
        return self.free_bytes >= self.needed_bytes


def default_parity(drives: int) -> int:
    """Return how many drives of so many hold parity where RustFS is not told."""
    return next((parity for most, parity in PARITY if drives <= most), PARITY_MOST)


def per_drive(content: int, objects: int, drives: int, parity: int) -> int:
    """Return the bytes that each drive has to take, with a margin."""
    taken = ceil(content / max(1, drives - parity)) + objects * OBJECT_BYTES
    return taken + max(MARGIN_BYTES, ceil(taken * MARGIN)) if taken else 0


def rooms(paths: Iterable[str], needed: int) -> list[Room]:
    """Return what each file system under the paths has and needs; a missing folder counts as its parent."""
    found: dict[int, Room] = {}
    for path in paths:
        folder = Path(path)
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        device = folder.stat().st_dev
        if device in found:
            before = found[device]
            found[device] = Room(before.path, before.free_bytes, before.needed_bytes + needed)
            continue
        state = os.statvfs(folder)
        found[device] = Room(path, state.f_bavail * state.f_frsize, needed)
    return list(found.values())
