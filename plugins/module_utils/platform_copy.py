# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of a platform's settings and of its database's files, beside it, until an upgrade has ended well.

What is in `state.json` holds: as long as it is there the copy is what the platform is brought back from, and nothing
that was written since then has been acknowledged to anybody.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

FOLDER = "backups/upgrade"
BEGUN = "begun"
CHANGING = "changing"
OPENING = "opening"
# Beside the copy itself: what the new version writes until it is known to work.
_FREE_FACTOR = 1.2
_FREE_BYTES = 256 << 20


@dataclass
class Copy:
    """The copy of one platform."""

    project_dir: Path

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.project_dir / FOLDER

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    def read(self) -> dict[str, Any]:
        """Return what was noted; empty where no upgrade is at work."""
        return dict(json.loads(self._state.read_text(encoding="utf-8"))) if self._state.exists() else {}

    @property
    def phase(self) -> str:
        """How far the upgrade is; empty where there is none.

        Begun, changing once there is a copy of the data, and opening once that was put back for good.
        """
        return str(self.read().get("phase", ""))

    def _write(self, state: Mapping[str, Any]) -> None:
        new = self._state.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(json.dumps(state, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._state)

    def begin(self, settings: Sequence[str], door: Sequence[str], note: Mapping[str, Any]) -> None:
        """Copy files that say how the services are run; those of the door are put back last."""
        if self.phase:
            raise InputError(f"{self._state} is there, an upgrade has not ended: it is put back first.")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)
        self._copy([*settings, *door], self.folder / "settings")
        self._write({"phase": BEGUN, "settings": list(settings), "door": list(door), "data": [], "note": dict(note)})

    def must_have_room(self, data: Sequence[str]) -> int:
        """Return the bytes that a copy takes; raise InputError where the disk has no room for it."""
        needed = sum(bytes_of(self.project_dir / path) for path in data)
        free = shutil.disk_usage(self.project_dir).free
        if free < needed * _FREE_FACTOR + _FREE_BYTES:
            raise InputError(
                f"{self.project_dir} has {free >> 20} MiB free, but a copy of the database's {needed >> 20} MiB is kept"
                f" there while it is upgraded: make room for {int(needed * _FREE_FACTOR + _FREE_BYTES) >> 20} MiB."
            )
        return needed

    def complete(self, data: Sequence[str]) -> int:
        """Copy the data, which nobody may use meanwhile, and return its bytes. From now on it is what is put back."""
        state = self.read()
        if state.get("phase") != BEGUN:
            raise InputError(f"{self.folder} holds no copy of the settings.")
        needed = self.must_have_room(data)
        part = self.folder / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        self._copy(data, part)
        os.sync()
        part.rename(self.folder / "data")
        self._write({**state, "phase": CHANGING, "data": list(data)})
        return needed

    def empty(self, paths: Sequence[str]) -> None:
        """Empty folders that there is a copy of."""
        state = self.read()
        for path in paths:
            if path not in state.get("data", []):
                raise InputError(f"{self.project_dir / path} is not emptied, since there is no copy of it.")
            clear(self.project_dir / path)

    def put_back(self) -> None:
        """Make settings and data what they were; can be repeated, whatever a killed one left."""
        state = self.read()
        if state["phase"] == OPENING:
            return
        for path in state["settings"]:
            self._lay(self.folder / "settings" / path, self.project_dir / path)
        for path in state["data"]:
            clear(self.project_dir / path)
            self._lay(self.folder / "data" / path, self.project_dir / path)
        os.sync()

    def open_door(self) -> None:
        """Put back how clients come in. What they write from now on is kept, also where this run is killed."""
        state = self.read()
        self._write({**state, "phase": OPENING})
        for path in state["door"]:
            self._lay(self.folder / "settings" / path, self.project_dir / path)

    def end(self) -> None:
        """Forget the copy: what is there now is the platform."""
        self._state.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _copy(self, paths: Sequence[str], target: Path) -> None:
        for path in paths:
            place = (target / path).parent
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            run_cp(str(self.project_dir / path), str(place))

    @staticmethod
    def _lay(source: Path, target: Path) -> None:
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            run_cp(f"{source}/.", str(target))
        else:
            run_cp(str(source), str(target))


def run_cp(source: str, target: str) -> None:
    """Copy with owners, modes, times and holes; instantly where the file system can."""
    done = subprocess.run(
        ["cp", "--archive", "--reflink=auto", "--", source, target],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(f"{source} cannot be copied to {target}: {' '.join(done.stderr.split())[:300]}.")


def clear(folder: Path) -> None:
    """Remove what is in a folder, which stays: it may be where a disk is mounted."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def bytes_of(path: Path) -> int:
    """Tell how much room a file or a folder takes."""
    total = path.lstat().st_blocks * 512
    if path.is_dir() and not path.is_symlink():
        total += sum(bytes_of(entry) for entry in path.iterdir())
    return total
