# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks of RustFS: what an inventory may name, and what a server must have there before anything is changed on it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.onprem.mlflow.plugins.module_utils.precheck import nearest_existing

# What RustFS writes first on a disk, and where it was before disks could be named.
SYSTEM_FOLDER = ".rustfs.sys"
SINGLE_FOLDER = "data/rustfs"
NOTE = "config/rustfs_disks.json"
# Every new ext4 file system has it.
HARMLESS = frozenset({"lost+found"})
SHOWN = 3

# Without what compose or a mount would read as something else.
_FOLDER = re.compile(r"(/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)+")


def check_folders(variable: str, disks: Sequence[str]) -> list[str]:
    """Complain about folders of one server that cannot be disks."""
    problems = [
        f"{variable}: found {disk!r}, write the whole path of a folder, such as /srv/disk0, of letters, digits and"
        " _ . @ + - characters."
        for disk in disks
        if not _FOLDER.fullmatch(disk)
    ]
    for index, disk in enumerate(disks):
        for other in disks[:index]:
            if disk == other:
                problems.append(f"{variable}: {disk} stands twice, remove one of them.")
            elif disk.startswith(f"{other}/") or other.startswith(f"{disk}/"):
                problems.append(f"{variable}: {other} and {disk} lie in one another, write a folder on each disk.")
    return problems


@dataclass(frozen=True)
class Disk:
    """One folder as it is on the server, and the physical disks that it lies on."""

    folder: str
    devices: frozenset[str]
    names: tuple[str, ...] = ()
    owner: int | None = None
    is_folder: bool = True

    @property
    def has_objects(self) -> bool:
        """Tell whether a RustFS has been here."""
        return SYSTEM_FOLDER in self.names


def look(folder: str, block_devices: Path = Path("/sys/dev/block")) -> Disk:
    """Look at a folder; one that is missing lies where the folder above it does."""
    path = Path(folder)
    devices = physical_disks(nearest_existing(path).stat().st_dev, block_devices)
    if not path.exists():
        return Disk(folder, devices)
    if not path.is_dir():
        return Disk(folder, devices, is_folder=False)
    return Disk(folder, devices, tuple(sorted(item.name for item in path.iterdir())), path.stat().st_uid)


def physical_disks(device: int, block_devices: Path) -> frozenset[str]:
    """Find the physical disks below a file system, through partitions, LVM and RAID, as RustFS itself does."""
    number = f"{os.major(device)}:{os.minor(device)}"
    place = block_devices / number
    # File systems without a block device, such as tmpfs, have a number of their own.
    return _leaves(place.resolve()) if place.exists() else frozenset({number})


def _leaves(device: Path) -> frozenset[str]:
    members = sorted((device / "slaves").iterdir()) if (device / "slaves").is_dir() else []
    if members:
        return frozenset().union(*(_leaves(member.resolve()) for member in members))
    return frozenset({device.parent.name if (device / "partition").exists() else device.name})


def disk_problems(disks: Sequence[Disk], system: frozenset[str], allow_shared: bool, owner: int) -> list[str]:
    """Return a sentence for each disk that RustFS must not have, or cannot use."""
    problems = []
    for index, disk in enumerate(disks):
        if not disk.is_folder:
            problems.append(f"rustfs_disks: {disk.folder} is not a folder, write one.")
            continue
        problems += _content_problems(disk, owner)
        if allow_shared:
            continue
        if disk.devices & system:
            problems.append(
                f"rustfs_disks: {disk.folder} is on the system disk, mount a disk of its own there,"
                " or set rustfs_allow_shared_disks: true."
            )
            continue
        for other in disks[:index]:
            if disk.devices & other.devices - system:
                problems.append(
                    f"rustfs_disks: {other.folder} and {disk.folder} are on one disk, write folders on different disks,"
                    " or set rustfs_allow_shared_disks: true."
                )
    return problems


def _content_problems(disk: Disk, owner: int) -> list[str]:
    if disk.has_objects:
        if disk.owner == owner:
            return []
        return [
            f"rustfs_disks: {disk.folder} holds objects and belongs to user {disk.owner}, give it to RustFS with"
            f" 'chown -R {owner}:{owner} {disk.folder}'."
        ]
    strangers = [name for name in disk.names if name not in HARMLESS]
    if not strangers:
        return []
    shown = ", ".join(strangers[:SHOWN]) + (" and more" if len(strangers) > SHOWN else "")
    return [
        f"rustfs_disks: {disk.folder} holds other files ({shown}), write an empty folder on that disk, such as"
        f" {disk.folder}/rustfs."
    ]


def disks_in_use(base: Path) -> list[str] | None:
    """Return the disks that the platform's objects are on, an empty list for its own folder, None without objects."""
    note = base / NOTE
    if note.exists():
        disks = [str(disk) for disk in json.loads(note.read_text(encoding="utf-8"))["disks"]]
        # A first run that failed leaves empty folders; one that is missing now may hold objects.
        if any(not Path(disk).is_dir() or (Path(disk) / SYSTEM_FOLDER).is_dir() for disk in disks):
            return disks
    return [] if (base / SINGLE_FOLDER / SYSTEM_FOLDER).is_dir() else None


def changed_disks_problem(wanted: Sequence[str], found: Sequence[str] | None, base: str) -> str | None:
    """Return a sentence where the objects of the platform would be left behind."""
    if found is None or list(wanted) == list(found):
        return None
    places = f"on {', '.join(found)}" if found else f"in {base}/{SINGLE_FOLDER}"
    again = f"write {json.dumps(list(found))}" if found else "remove it"
    return (
        f"rustfs_disks: found {json.dumps(list(wanted))}, but the objects of this platform are {places}:"
        f" {again}, or bring them to another platform first, as docs/object-store.md says."
    )
